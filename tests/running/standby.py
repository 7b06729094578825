"""A streaming replica of an embedded PostgreSQL, made by its own programs."""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from shopalytic_server.embedded import EmbeddedPostgres, account_files, installation, settings
from shopalytic_server.embedded.backup import back_up
from shopalytic_server.embedded.postmaster import clear_leftovers, find, wait_until

PATIENCE_SECONDS = 120.0


class Standby:
    """A PostgreSQL that follows another one."""

    def __init__(self, data_dir: Path) -> None:
        self._postgres = EmbeddedPostgres(data_dir)

    @property
    def url(self) -> str:
        """That of the database."""
        return self._postgres.url()

    def run(self, statement: str) -> object:
        """The first value of a statement's first row, as a superuser."""
        with psycopg.connect(self._postgres.url(role="postgres"), autocommit=True) as connection:
            cursor = connection.execute(statement)
            [value] = (cursor.description and cursor.fetchone()) or [None]
            return value

    def catch_up(self, primary: str) -> None:
        """Returns when it has replayed what the primary has written until now."""
        with psycopg.connect(primary) as connection:
            [written] = connection.execute("SELECT pg_current_wal_insert_lsn()").fetchone() or [None]
        asked = f"SELECT pg_last_wal_replay_lsn() >= '{written}'"
        assert wait_until(lambda: bool(self.run(asked)), PATIENCE_SECONDS)


@contextmanager
def standby_of(primary: EmbeddedPostgres, data_dir: Path) -> Iterator[Standby]:
    """A standby that runs while the block does; pg_basebackup makes it."""
    back_up(primary.data_dir, data_dir)
    pgdata = data_dir / "postgres"
    found = find(primary.pgdata)
    assert found is not None
    installed = installation.prepare(data_dir, pgdata)
    from_where = f"primary_conninfo = 'host={found.socket_dir} port={found.port} user=postgres'\n"
    texts = {
        settings.FILE_NAME: settings.render(pgdata, 0),
        settings.LOCAL_FILE_NAME: from_where,
        "standby.signal": "",
    }
    for name, text in texts.items():
        account_files.write(pgdata, name, text, None)
    # The primary's socket lies in its folder, and has come along.
    clear_leftovers(pgdata)
    installed.give(pgdata)
    with (data_dir / "standby.log").open("wb") as log:
        process = subprocess.Popen(
            [installed.command("postgres"), "-D", str(pgdata)],
            cwd=pgdata,
            stdout=log,
            stderr=log,
            **installed.process_options(),
        )
    try:

        def is_ready() -> bool:
            assert process.poll() is None, (data_dir / "standby.log").read_text()
            running = find(pgdata)
            return running is not None and running.status in ("standby", "ready")

        assert wait_until(is_ready, PATIENCE_SECONDS)
        yield Standby(data_dir)
    finally:
        # Those who are connected do not hold it up.
        process.send_signal(signal.SIGINT)
        process.wait(PATIENCE_SECONDS)
