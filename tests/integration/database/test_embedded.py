"""The embedded PostgreSQL: starts from nothing, survives what kills it, lets nobody else in."""

import errno
import logging
import os
import pwd
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from running.embedded_holder import Holder
from shopalytic_server.embedded import (
    DataDirectoryInUse,
    EmbeddedPostgres,
    EmbeddedPostgresError,
    acl,
    installation,
    postmaster,
    running_url,
    server,
    settings,
)

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, who may become somebody else")


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "data"
    yield folder
    if (left := postmaster.find(folder / "postgres")) is not None:
        os.kill(left.pid, signal.SIGQUIT)
        postmaster.wait_until(lambda: postmaster.find(folder / "postgres") is None, 30)


def query(url: str, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    assert postmaster.wait_until(lambda: not os.path.exists(f"/proc/{pid}/cwd") or _is_zombie(pid), 30)  # noqa: PTH110


def _is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_a_server_from_nothing_is_durable_private_and_nobodys_superuser(data_dir: Path) -> None:
    with EmbeddedPostgres(data_dir) as running:
        shown = {
            name: query(running.url(), f"SHOW {name}")[0][0]
            for name in (
                "fsync",
                "synchronous_commit",
                "full_page_writes",
                "listen_addresses",
                "jit",
                "timezone",
            )
        }
        who = query(running.url(), "SELECT current_database(), current_user, usesuper FROM pg_user")
        assert who[0][:2] == ("shopalytic", "shopalytic")
        assert query(running.url(), "SELECT usesuper FROM pg_user WHERE usename = current_user") == [(False,)]
    assert shown == {
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        "listen_addresses": "",
        "jit": "off",
        "timezone": "UTC",
    }
    assert data_dir.stat().st_mode & 0o007 == 0


def test_data_survives_a_restart(data_dir: Path) -> None:
    with EmbeddedPostgres(data_dir) as running:
        query(running.url(), "CREATE TABLE kept AS SELECT 7 AS n")
    assert postmaster.find(data_dir / "postgres") is None
    with EmbeddedPostgres(data_dir) as running:
        assert query(running.url(), "SELECT n FROM kept") == [(7,)]


def test_what_a_shell_says_of_another_server_is_not_for_ours(data_dir: Path) -> None:
    other = {
        "PGHOSTADDR": "127.0.0.1",
        "PGPORT": "1",
        "PGUSER": "nobody",
        "PGDATABASE": "nothing",
        "PGSERVICE": "nowhere",
        "PGOPTIONS": "-c default_transaction_read_only=on",
        "PGTARGETSESSIONATTRS": "standby",
        "PGREQUIREAUTH": "scram-sha-256",
        "PGCHANNELBINDING": "require",
        "PGREQUIREPEER": "nobody",
        "PGSSLMODE": "verify-full",
    }
    holder = Holder(data_dir, **other)
    try:
        assert query(holder.url, "SELECT 1") == [(1,)]
    finally:
        holder.kill()


def test_a_second_process_is_refused_with_a_sentence_until_the_first_is_dead(data_dir: Path) -> None:
    first = Holder(data_dir)
    try:
        with pytest.raises(DataDirectoryInUse) as refusal:
            EmbeddedPostgres(data_dir).start()
        assert str(data_dir) in str(refusal.value)
        assert f"process {first.process.pid}" in str(refusal.value)
        assert query(first.url, "SELECT 1") == [(1,)]
    finally:
        first.kill()
    with EmbeddedPostgres(data_dir) as running:
        assert query(running.url(), "SELECT 1") == [(1,)]


def test_the_server_of_a_killed_parent_is_found_again_and_then_stopped(data_dir: Path) -> None:
    first = Holder(data_dir)
    query(first.url, "CREATE TABLE kept AS SELECT 7 AS n")
    first.kill()
    orphan = postmaster.find(data_dir / "postgres")
    assert orphan is not None
    with EmbeddedPostgres(data_dir) as running:
        assert running.postmaster() == orphan
        assert query(running.url(), "SELECT n FROM kept") == [(7,)]
    assert postmaster.find(data_dir / "postgres") is None


def test_what_was_committed_survives_when_parent_and_server_are_killed(data_dir: Path) -> None:
    first = Holder(data_dir)
    query(first.url, "CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n")
    first.kill()
    orphan = postmaster.find(data_dir / "postgres")
    assert orphan is not None
    kill(orphan.pid)
    with EmbeddedPostgres(data_dir) as running:
        assert query(running.url(), "SELECT count(*) FROM kept") == [(1000,)]


def test_a_server_that_dies_is_started_again(data_dir: Path) -> None:
    with EmbeddedPostgres(data_dir) as running:
        query(running.url(), "CREATE TABLE kept AS SELECT 7 AS n")
        first = running.postmaster()
        assert first is not None
        os.kill(first.pid, signal.SIGKILL)

        def is_back() -> bool:
            now = running.postmaster()
            return now is not None and now.pid != first.pid and now.is_ready

        assert postmaster.wait_until(is_back, 60)
        assert query(running.url(), "SELECT n FROM kept") == [(7,)]


def test_a_server_that_dies_is_started_again_although_the_first_try_fails(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with EmbeddedPostgres(data_dir) as running:
        first = running.postmaster()
        assert first is not None
        launch, tries = running._launch, []

        def fail_once(*given: Any) -> int:
            tries.append(given)
            if len(tries) == 1:
                # What a start leaves that ends before it wrote its pid file.
                (running.pgdata / "postmaster.pid").unlink(missing_ok=True)
                raise EmbeddedPostgresError("PostgreSQL did not start")
            return launch(*given)

        monkeypatch.setattr(running, "_launch", fail_once)
        os.kill(first.pid, signal.SIGKILL)

        def is_back() -> bool:
            now = running.postmaster()
            return now is not None and now.pid != first.pid and now.is_ready

        assert postmaster.wait_until(is_back, 60)
        assert len(tries) == 2


def test_a_server_that_dies_on_a_full_disk_is_started_again(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = threading.Event()

    def refuse(*_: Any) -> None:
        full.set()
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("shopalytic_server.embedded.server._LOG_LIMIT", 0)
    monkeypatch.setattr("shutil.copyfile", refuse)
    with EmbeddedPostgres(data_dir) as running:
        first = running.postmaster()
        assert first is not None
        assert full.wait(60)
        os.kill(first.pid, signal.SIGKILL)

        def is_back() -> bool:
            now = running.postmaster()
            return now is not None and now.pid != first.pid and now.is_ready

        assert postmaster.wait_until(is_back, 60)


def test_a_server_that_somebody_stopped_stays_stopped(
    data_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with EmbeddedPostgres(data_dir) as running, caplog.at_level(logging.WARNING):
        first = running.postmaster()
        assert first is not None
        os.kill(first.pid, signal.SIGINT)
        assert postmaster.wait_until(lambda: "stopped from outside" in caplog.text, 60)
        assert running.postmaster() is None
        with pytest.raises(EmbeddedPostgresError, match="not running"):
            running.url()


@pytest.mark.parametrize(
    "name", ["with space", "it's", "a,b", 'say "x"', "50%25", "ü", "long" * 30], ids=lambda name: name[:8]
)
def test_any_name_of_the_data_directory_works(tmp_path: Path, name: str) -> None:
    with EmbeddedPostgres(tmp_path / name) as running:
        assert query(running.url(), "SELECT 1") == [(1,)]
        started = running.postmaster()
        assert started is not None
    assert started.socket_dir == str(running.pgdata) or not Path(started.socket_dir).exists()


def test_a_pid_file_that_names_somebody_else_is_not_believed(data_dir: Path) -> None:
    with EmbeddedPostgres(data_dir) as running:
        query(running.url(), "CREATE TABLE kept AS SELECT 7 AS n")
    lines = [str(os.getpid()), str(running.pgdata), "1", "5432", str(running.pgdata), "", "1 1", "ready"]
    (running.pgdata / "postmaster.pid").write_text("\n".join(lines) + "\n")
    assert running_url(data_dir) is None
    with EmbeddedPostgres(data_dir) as running:
        assert query(running.url(), "SELECT n FROM kept") == [(7,)]


def test_other_commands_find_the_running_server(data_dir: Path) -> None:
    assert running_url(data_dir) is None
    with EmbeddedPostgres(data_dir) as running:
        assert running_url(data_dir) == running.url()
    assert running_url(data_dir) is None


def test_an_interrupted_first_start_leaves_nothing_in_the_way(data_dir: Path) -> None:
    (data_dir / "postgres.new" / "base").mkdir(parents=True)
    with EmbeddedPostgres(data_dir) as running:
        assert query(running.url(), "SELECT 1") == [(1,)]
    assert not (data_dir / "postgres.new").exists()


def test_a_start_that_is_given_up_at_once_leaves_no_server_behind(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL was launched, and has not written its pid file yet."""
    launched: list[psutil.Process] = []

    def give_up(own: EmbeddedPostgres, _: int) -> None:
        assert own._process is not None
        launched.append(psutil.Process(own._process.pid))
        raise EmbeddedPostgresError("it was given up")

    monkeypatch.setattr(EmbeddedPostgres, "_wait_ready", give_up)
    with pytest.raises(EmbeddedPostgresError, match="given up"):
        EmbeddedPostgres(data_dir).start()
    [server] = launched
    assert not server.is_running()
    monkeypatch.undo()
    with EmbeddedPostgres(data_dir) as running:
        assert query(running.url(), "SELECT 1") == [(1,)]


def test_settings_of_ones_own_win(data_dir: Path) -> None:
    with EmbeddedPostgres(data_dir) as running:
        pass
    with (running.pgdata / settings.LOCAL_FILE_NAME).open("a") as local:
        local.write("work_mem = 33MB\n")
    with EmbeddedPostgres(data_dir) as running:
        assert query(running.url(), "SHOW work_mem") == [("33MB",)]


def test_a_server_that_cannot_start_is_explained_by_its_log(data_dir: Path) -> None:
    with EmbeddedPostgres(data_dir) as running:
        pass
    with (running.pgdata / settings.LOCAL_FILE_NAME).open("a") as local:
        local.write("no_such_setting = 1\n")
    with pytest.raises(EmbeddedPostgresError, match="no_such_setting"):
        EmbeddedPostgres(data_dir).start()
    (running.pgdata / settings.LOCAL_FILE_NAME).write_text("")
    with EmbeddedPostgres(data_dir) as running:
        assert query(running.url(), "SELECT 1") == [(1,)]


@pytest.mark.parametrize(
    ("version", "sentence"), [("17", "written by PostgreSQL 17"), (None, "holds no PostgreSQL data")]
)
def test_foreign_data_is_left_alone(data_dir: Path, version: str | None, sentence: str) -> None:
    pgdata = data_dir / "postgres"
    pgdata.mkdir(parents=True)
    (pgdata / ("PG_VERSION" if version else "something")).write_text(f"{version}\n")
    with pytest.raises(EmbeddedPostgresError, match=sentence):
        EmbeddedPostgres(data_dir).start()
    assert [path.name for path in pgdata.iterdir()] == ["PG_VERSION" if version else "something"]


def test_the_log_stays_small(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "_LOG_LIMIT", 2000)
    with EmbeddedPostgres(data_dir) as running:
        older = running.log_path.with_suffix(".log.1")
        for _ in range(100):
            with pytest.raises(psycopg.errors.UndefinedTable):
                query(running.url(), "SELECT * FROM nothing_there")
        assert postmaster.wait_until(older.exists, 30)
        with pytest.raises(psycopg.errors.UndefinedTable):
            query(running.url(), "SELECT * FROM nothing_after_that")
        text = running.log_path.read_bytes()
    assert b"nothing_after_that" in text
    assert b"\0" not in text


def test_the_log_quotes_no_values(data_dir: Path) -> None:
    with EmbeddedPostgres(data_dir) as running:
        query(running.url(), "CREATE TABLE people (email text PRIMARY KEY)")
        query(running.url(), "INSERT INTO people VALUES ('ada@example.com')")
        with pytest.raises(psycopg.errors.UniqueViolation, match="ada@example"):
            query(running.url(), "INSERT INTO people VALUES ('ada@example.com')")
    log = running.log_path.read_text()
    assert "people_pkey" in log
    assert "ada" not in log


@as_root
def test_root_shares_only_the_way_and_only_with_postgresqls_account(data_dir: Path) -> None:
    with EmbeddedPostgres(data_dir) as running:
        owner = pwd.getpwuid(running.pgdata.stat().st_uid)
        assert owner.pw_name == installation.ACCOUNT_NAME
        nobody = pwd.getpwnam("nobody").pw_uid
        for uid, file, may in (
            (owner.pw_uid, running.pgdata / "PG_VERSION", True),
            (owner.pw_uid, data_dir, False),
            (nobody, running.pgdata / "PG_VERSION", False),
        ):
            command = ["cat", str(file)] if file.is_file() else ["ls", str(file)]
            done = subprocess.run(
                command, user=uid, group=uid, extra_groups=[], capture_output=True, check=False
            )
            assert (done.returncode == 0) is may, done.stderr


@as_root
def test_a_parent_that_is_closed_during_the_start_is_opened_again(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    launch = EmbeddedPostgres._launch
    closed = []

    def close_parent_once(self: EmbeddedPostgres, *arguments: installation.Installation) -> int:
        if not closed:
            data_dir.chmod(0o700)
            closed.append(data_dir)
        return launch(self, *arguments)

    monkeypatch.setattr(EmbeddedPostgres, "_launch", close_parent_once)
    with EmbeddedPostgres(data_dir) as running:
        assert query(running.url(), "SELECT 1") == [(1,)]
    assert closed


@as_root
def test_root_without_the_account_gets_it_made(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Under another name: the usual one exists wherever root has started PostgreSQL before.
    name = f"shopalytic-t{os.getpid()}"
    monkeypatch.setattr(installation, "ACCOUNT_NAME", name)
    try:
        with EmbeddedPostgres(data_dir) as postgres:
            assert query(postgres.url(), "SELECT 1") == [(1,)]
            assert (data_dir / "postgres").stat().st_uid == pwd.getpwnam(name).pw_uid
    finally:
        subprocess.run(["userdel", name], check=True)


@as_root
def test_a_backup_that_root_copied_back_is_given_to_postgresqls_account(
    data_dir: Path, tmp_path: Path
) -> None:
    with EmbeddedPostgres(data_dir) as running:
        query(running.url(), "CREATE TABLE kept AS SELECT 7 AS n")
    shutil.copytree(data_dir, tmp_path / "restored")
    with EmbeddedPostgres(tmp_path / "restored") as restored:
        assert query(restored.url(), "SELECT n FROM kept") == [(7,)]


@as_root
def test_programs_that_only_root_can_reach_are_copied_beside_the_data(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    package = installation.package_directory()
    unneeded = shutil.ignore_patterns("include", "pginstall", "*.a")
    for each in (package, package.with_suffix(".libs")):
        shutil.copytree(each, private / each.name, symlinks=True, ignore=unneeded)
    monkeypatch.setattr(installation, "package_directory", lambda: private / package.name)
    with EmbeddedPostgres(data_dir) as running:
        assert query(running.url(), "SELECT 1") == [(1,)]
        where = query(running.url(role="postgres"), "SELECT setting FROM pg_config WHERE name = 'BINDIR'")
    assert str(where[0][0]).startswith(str(data_dir))
    assert private.stat().st_mode & 0o077 == 0


@as_root
def test_an_ordinary_user_needs_nothing_special(tmp_path: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    os.chown(home, nobody.pw_uid, nobody.pw_gid)
    acl.open_parents(home, nobody.pw_uid)
    script = f"""
        import os, psycopg, psycopg_binary
        from shopalytic_server.embedded import EmbeddedPostgres
        os.setgroups([]); os.setgid({nobody.pw_gid}); os.setuid({nobody.pw_uid})
        with EmbeddedPostgres({str(home / "data")!r}) as server:
            with psycopg.connect(server.url()) as connection:
                print(connection.execute("SELECT 40 + 2").fetchone()[0])
    """
    programs = installation.programs(installation.package_directory())
    if not installation.Installation(programs, nobody).runs():
        pytest.skip("the virtual environment lies where other users cannot go")
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], cwd="/", capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "42", done.stderr
    assert (home / "data" / "postgres").stat().st_uid == nobody.pw_uid
    assert home.stat().st_uid == nobody.pw_uid


def test_an_access_list_gains_the_right_to_walk_and_nothing_else() -> None:
    # (tag, rights, id) as the kernel keeps them: owner rwx, group r-x, others nothing.
    private = [(0x01, 7, 0xFFFFFFFF), (0x04, 5, 0xFFFFFFFF), (0x20, 0, 0xFFFFFFFF)]
    opened = acl.with_walker(private, 70)
    assert opened == [
        (0x01, 7, 0xFFFFFFFF),
        (0x02, 1, 70),
        (0x04, 5, 0xFFFFFFFF),
        (0x10, 5, 0xFFFFFFFF),
        (0x20, 0, 0xFFFFFFFF),
    ]
    assert acl.with_walker(opened, 70) == opened
    assert (0x02, 1, 12) in acl.with_walker(opened, 12)
    assert (0x02, 1, 70) in acl.with_walker(opened, 12)
