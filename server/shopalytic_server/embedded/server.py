"""The embedded PostgreSQL: started, watched and stopped together with Shopalytic.

What it promises: the data outlives everything (`DATA_DIR/postgres`, default
durability); a Shopalytic that was killed finds its PostgreSQL again, running or not;
a PostgreSQL that was killed is started again, while one that somebody stopped in
order is left alone; recovery after a crash may take as long as it needs.
"""

import contextlib
import logging
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote, urlencode

import psycopg
from psycopg import sql

from shopalytic_server.domain.sql_roles import ANALYSTS
from shopalytic_server.embedded import account_files, settings
from shopalytic_server.embedded import installation as installations
from shopalytic_server.embedded import postmaster as postmasters
from shopalytic_server.embedded.errors import EmbeddedPostgresError
from shopalytic_server.embedded.installation import Installation
from shopalytic_server.embedded.lock import DataDirectoryLock
from shopalytic_server.embedded.postmaster import Postmaster

logger = logging.getLogger(__name__)

DATABASE = "shopalytic"
ROLE = "shopalytic"
SUPERUSER = "postgres"

# "all" leaves out replication, by which a backup reads.
_ADMISSION = "local all all peer map=admitted\nlocal replication all peer map=admitted\n"
_ADMISSION_OVER_TCP = f"host {DATABASE} +{ANALYSTS} 127.0.0.1/32 scram-sha-256\n"

# Room for "/.s.PGSQL.5432.lock" in the 104 (macOS) to 108 (Linux) bytes of a socket's address.
_LONGEST_SOCKET_DIR = 80
_LOG_LIMIT = 10 * 1024 * 1024
_WATCH_SECONDS = 0.5
_AGAIN_SECONDS = 2.0
_STOP_SECONDS = 60.0
_PATIENCE_NOTE_SECONDS = 10.0

# What a person's shell may say of some other server, and what the address of ours does not say itself:
# https://www.postgresql.org/docs/current/libpq-envars.html
_OF_OTHER_SERVERS = (
    "PGHOSTADDR",
    "PGSERVICE",
    "PGSERVICEFILE",
    "PGOPTIONS",
    "PGTARGETSESSIONATTRS",
    "PGREQUIREAUTH",
    "PGCHANNELBINDING",
    "PGREQUIREPEER",
)


class EmbeddedPostgres:
    """One PostgreSQL server for one data directory; `start` and `stop` block, so call them from a thread."""

    def __init__(self, data_dir: Path | str, *, sql_port: int = 0) -> None:
        self.data_dir = Path(data_dir).expanduser().resolve()
        self.pgdata = self.data_dir / "postgres"
        self.log_path = self.data_dir / "postgres.log"
        self._sql_port = sql_port
        self._socket_note = self.data_dir / "postgres.socket"
        self._lock = DataDirectoryLock(self.data_dir)
        self._process: subprocess.Popen[bytes] | None = None
        self._closing = threading.Event()
        self._watcher: threading.Thread | None = None

    def start(self) -> str:
        """Take the data directory, bring PostgreSQL up on it (or find it up) and give the database's URL."""
        self._lock.acquire()
        self._closing.clear()
        try:
            postmaster = self._bring_up()
            _ensure_database(_url(postmaster, "postgres", SUPERUSER), self.pgdata)
        except BaseException:
            self.stop()
            raise
        self._watcher = threading.Thread(target=self._watch, name="embedded-postgres", daemon=True)
        self._watcher.start()
        return _url(postmaster, DATABASE, ROLE)

    def give_up(self) -> None:
        """Have `start`, which another thread is at, wait no longer for PostgreSQL: it stops it and raises."""
        self._closing.set()

    def stop(self) -> None:
        """End PostgreSQL's sessions, stop it in order and free the data directory."""
        self._closing.set()
        if self._watcher is not None:
            self._watcher.join()
            self._watcher = None
        try:
            if (postmaster := self.postmaster()) is not None:
                self._shut_down(postmaster.pid)
            elif self._process is not None and self._process.poll() is None:
                # It was started a moment ago, and its pid file is not there yet.
                self._shut_down(self._process.pid)
        finally:
            self._lock.release()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def postmaster(self) -> Postmaster | None:
        """The running server, or None."""
        if self._process is not None:
            self._process.poll()  # a child that ended stays a zombie until somebody asks
        return postmasters.find(self.pgdata)

    def url(self, database: str = DATABASE, role: str = ROLE) -> str:
        """A URL for psycopg and psql; the role `postgres` is the superuser."""
        if (postmaster := self.postmaster()) is None:
            raise EmbeddedPostgresError("The embedded PostgreSQL is not running; start it first.")
        return _url(postmaster, database, role)

    def _bring_up(self) -> Postmaster:
        for attempts_left in (2, 1, 0):
            installation = installations.prepare(self.data_dir, self.pgdata)
            try:
                return self._bring_up_with(installation)
            except EmbeddedPostgresError:
                # Other programs tidy the modes of shared parents, such as those below /tmp.
                if not attempts_left or not installation.is_locked_out(self.pgdata):
                    raise
        raise AssertionError("the last attempt returns or raises")

    def _bring_up_with(self, installation: Installation) -> Postmaster:
        if not (self.pgdata / "PG_VERSION").exists():
            self._initialise(installation)
        self._check_version()
        found = self.postmaster()
        if found is not None and found.status == "stopping":
            postmasters.wait_until(lambda: self.postmaster() is None, _STOP_SECONDS)
            found = self.postmaster()
        if found is not None:
            logger.info("Found PostgreSQL running already (process %d).", found.pid)
            if self._sql_port and found.port != self._sql_port:
                logger.warning(
                    "It does not listen on --sql-port %d; it will after it was stopped.", self._sql_port
                )
            return self._wait_ready(self._log_size())
        log_start = self._launch(installation)
        return self._wait_ready(log_start)

    def _initialise(self, installation: Installation) -> None:
        """Make the folder under another name first: a half-made one must never look like data."""
        if self.pgdata.exists():
            raise EmbeddedPostgresError(
                f"{self.pgdata} exists but holds no PostgreSQL data. "
                "Move it away, or choose another data directory."
            )
        unfinished = self.data_dir / "postgres.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        installation.give(unfinished)
        options = ["--username", SUPERUSER, "--auth", "peer", "--encoding", "UTF8"]
        options += ["--locale-provider", "builtin", "--locale", "C.UTF-8", "--pgdata", str(unfinished)]
        done = subprocess.run(
            [installation.command("initdb"), *options],
            cwd="/",
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            **installation.process_options(),
        )
        if done.returncode != 0:
            last = done.stdout.decode(errors="replace").strip().splitlines()[-3:]
            raise EmbeddedPostgresError("PostgreSQL's data folder cannot be made: " + " ".join(last))
        made = account_files.read(unfinished, "postgresql.conf") or ""
        ours = f"\ninclude '{settings.FILE_NAME}'\ninclude '{settings.LOCAL_FILE_NAME}'\n"
        account_files.write(unfinished, "postgresql.conf", made + ours, installation.owner)
        account_files.write(unfinished, settings.LOCAL_FILE_NAME, settings.LOCAL_TEXT, installation.owner)
        unfinished.rename(self.pgdata)

    def _check_version(self) -> None:
        text = account_files.read(self.pgdata, "PG_VERSION") or ""
        version = text.strip() if text.strip().isdecimal() else "of an unknown version"
        if version != installations.MAJOR_VERSION:
            raise EmbeddedPostgresError(
                f"{self.pgdata} was written by PostgreSQL {version}, and this Shopalytic brings "
                f"{installations.MAJOR_VERSION}. Move the data with pg_upgrade, or run the Shopalytic "
                "that wrote it."
            )

    def _launch(self, installation: Installation) -> int:
        """Start the server and give the size that its log had before."""
        postmasters.clear_leftovers(self.pgdata)
        if account_files.owner(self.pgdata) == 0:
            self.pgdata.chmod(0o700)
            installation.give(self.pgdata)  # a backup that root copied back
        admitted = "".join(f'admitted "{name}" all\n' for name in installation.admitted_users())
        conf = settings.render(self._socket_dir(installation), self._sql_port)
        admission = _ADMISSION + (_ADMISSION_OVER_TCP if self._sql_port else "")
        texts = {settings.FILE_NAME: conf, "pg_hba.conf": admission, "pg_ident.conf": admitted}
        for name, text in texts.items():
            account_files.write(self.pgdata, name, text, installation.owner)
        self._rotate_log()
        log_start = self._log_size()
        descriptor = os.open(self.log_path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            self._process = subprocess.Popen(
                [installation.command("postgres"), "-D", str(self.pgdata)],
                cwd=self.pgdata,
                stdout=descriptor,
                stderr=descriptor,
                **installation.process_options(),
            )
        finally:
            os.close(descriptor)
        return log_start

    def _socket_dir(self, installation: Installation) -> Path:
        """The data folder itself, or a private folder under /tmp if that path cannot be a socket's address.

        It may be too long for one; and a comma would separate two hosts in a database URL.
        """
        if len(os.fsencode(self.pgdata)) <= _LONGEST_SOCKET_DIR and "," not in str(self.pgdata):
            return self.pgdata
        made = self._made_socket_dir()
        if (
            made is not None
            and made.is_dir()
            and account_files.owner(made) == account_files.owner(self.pgdata)
        ):
            _remove_sockets(made)  # Those of a server that was killed.
            return made
        # Not TMPDIR, which may be as long.
        folder = Path(tempfile.mkdtemp(prefix="shopalytic-", dir="/tmp"))
        try:
            # Who stops this server need not be who started it.
            self._socket_note.write_text(str(folder))
        except OSError:
            folder.rmdir()
            raise
        installation.give(folder)
        return folder

    def _made_socket_dir(self) -> Path | None:
        """The folder that was made for the socket; what is there by now may be another one of the account."""
        return Path(self._socket_note.read_text()) if self._socket_note.exists() else None

    def _remove_socket_dir(self) -> None:
        if (folder := self._made_socket_dir()) is None:
            return
        with contextlib.suppress(OSError):
            _remove_sockets(folder)
            folder.rmdir()
        self._socket_note.unlink()

    def _wait_ready(self, log_start: int) -> Postmaster:
        """Wait as long as the server lives: recovery after a crash may take minutes."""
        note_at = time.monotonic() + _PATIENCE_NOTE_SECONDS
        while True:
            postmaster = self.postmaster()
            if postmaster is not None and postmaster.is_ready:
                return postmaster
            ended = self._process is None or self._process.poll() is not None
            if postmaster is None and ended:
                raise EmbeddedPostgresError(
                    f"PostgreSQL did not start: {self._log_tail(log_start)} (whole log: {self.log_path})"
                )
            if self._closing.is_set():
                raise EmbeddedPostgresError("PostgreSQL was not ready yet when Shopalytic was stopped.")
            if time.monotonic() >= note_at:
                note_at += _PATIENCE_NOTE_SECONDS
                logger.info("Waiting for PostgreSQL; after a crash it first replays its log.")
            time.sleep(0.02)

    def _watch(self) -> None:
        """Start PostgreSQL again if it dies; keep its log small."""
        wanted = True
        while not self._closing.wait(_WATCH_SECONDS):
            try:
                wanted = self._look_after(wanted)
            except Exception as error:  # noqa: BLE001 - nobody else looks after it
                logger.error("PostgreSQL cannot be looked after: %s", error)

    def _look_after(self, wanted: bool) -> bool:
        """What to do about PostgreSQL now, if it was `wanted` to run; whether it is from now on."""
        self._rotate_log()
        if (found := self.postmaster()) is not None:
            if self._process is not None and found.pid != self._process.pid:
                self._process = None  # Somebody else has started this one.
            return True
        if wanted and self._was_stopped():
            logger.warning("PostgreSQL was stopped from outside; waiting until it is started again.")
            return False
        if wanted:
            self._revive()
        return wanted

    def _was_stopped(self) -> bool:
        """Whether somebody asked it to stop. A full disk, or a start that failed, did not."""
        if self._process is not None and (code := self._process.poll()) is not None:
            return code == 0
        # Another process started it, so how it ended stands in its control file only.
        installation = installations.prepare(self.data_dir, self.pgdata)
        done = subprocess.run(
            [installation.command("pg_controldata"), "-D", str(self.pgdata)],
            cwd="/",
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            check=False,
            **installation.process_options(),
        )
        return re.search(rb"^Database cluster state: +shut down$", done.stdout, re.MULTILINE) is not None

    def _revive(self) -> None:
        logger.error("PostgreSQL died; starting it again.")
        try:
            self._bring_up()
        except (EmbeddedPostgresError, OSError) as error:
            logger.error("PostgreSQL cannot be started again yet: %s", error)
            self._closing.wait(_AGAIN_SECONDS)

    def _shut_down(self, pid: int) -> None:
        # SIGINT is the fast shutdown; after SIGQUIT the next start has recovery to do:
        # https://www.postgresql.org/docs/current/server-shutdown.html
        for how, patience in ((signal.SIGINT, _STOP_SECONDS), (signal.SIGQUIT, 10.0), (signal.SIGKILL, 5.0)):
            try:
                os.kill(pid, how)
            except ProcessLookupError:
                break
            if postmasters.wait_until(self._has_ended, patience):
                break
            logger.warning("PostgreSQL (process %d) did not stop on %s.", pid, how.name)
        if self._process is not None:
            self._process.wait()
            self._process = None
        self._remove_socket_dir()

    def _has_ended(self) -> bool:
        is_gone = self.postmaster() is None
        return is_gone and (self._process is None or self._process.poll() is not None)

    def _rotate_log(self) -> None:
        """Keep one older file; PostgreSQL appends, so the file it holds open can be emptied in place."""
        # On a full disk the copy fails; the log is then left for another time.
        with contextlib.suppress(OSError):
            if self._log_size() > _LOG_LIMIT:
                shutil.copyfile(self.log_path, self.log_path.with_suffix(".log.1"))
                os.truncate(self.log_path, 0)

    def _log_size(self) -> int:
        return self.log_path.stat().st_size if self.log_path.exists() else 0

    def _log_tail(self, start: int) -> str:
        if not self.log_path.exists():
            return "it wrote no log"
        with self.log_path.open("rb") as log:
            log.seek(start)
            lines = log.read().decode(errors="replace").strip().splitlines()
        return " ".join(lines[-3:]) or "it wrote nothing to its log"


def _remove_sockets(folder: Path) -> None:
    account_files.remove(folder, *(path.name for path in folder.glob(".s.PGSQL.*")))


def running_url(data_dir: Path | str) -> str | None:
    """The database URL of a server that some process runs on this data directory, for the other commands."""
    postmaster = postmasters.find(Path(data_dir).expanduser().resolve() / "postgres")
    return _url(postmaster, DATABASE, ROLE) if postmaster is not None and postmaster.is_ready else None


def superuser_url(data_dir: Path | str) -> str | None:
    """The same for PostgreSQL's superuser, who may create roles."""
    postmaster = postmasters.find(Path(data_dir).expanduser().resolve() / "postgres")
    return _url(postmaster, DATABASE, SUPERUSER) if postmaster is not None and postmaster.is_ready else None


def _url(postmaster: Postmaster, database: str, role: str) -> str:
    for name in _OF_OTHER_SERVERS:
        os.unsetenv(name)
    query = urlencode({"host": postmaster.socket_dir, "port": postmaster.port}, quote_via=quote)
    return f"postgresql://{quote(role)}@/{quote(database, safe='')}?{query}"


def _ensure_database(superuser_url: str, pgdata: Path) -> None:
    """Make the role and the database of the service: its own connections are no superuser's."""
    with psycopg.connect(superuser_url, autocommit=True, connect_timeout=30) as connection:
        row = connection.execute("SHOW data_directory").fetchone()
        if row is None or Path(row[0]) != pgdata:
            # The account may have written another server's place into the pid file.
            raise EmbeddedPostgresError(f"The PostgreSQL that {pgdata} names works on other data.")
        if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [ROLE]).rowcount == 0:
            role = sql.Identifier(ROLE)
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEDB").format(role))
            connection.execute(
                sql.SQL("GRANT pg_monitor, pg_checkpoint, pg_signal_backend TO {}").format(role)
            )
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).rowcount == 0:
            statement = sql.SQL("CREATE DATABASE {} OWNER {}")
            connection.execute(statement.format(sql.Identifier(DATABASE), sql.Identifier(ROLE)))
