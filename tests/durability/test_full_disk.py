"""A full disk stops the embedded PostgreSQL; with space again it comes back by itself."""

import logging
import os
import signal
from pathlib import Path

import psycopg
import pytest

from faults.outside import may_mount, small_disk
from running.embedded_holder import Holder
from shopalytic_server.embedded import EmbeddedPostgres, postmaster, running_url

pytestmark = pytest.mark.skipif(not may_mount(), reason="only root can make a small disk")

# Takes room in PostgreSQL's log of changes, and nowhere else.
WRITE = "SELECT pg_logical_emit_message(false, 'test', repeat('x', 1000000), true)"


def fill(path: Path) -> None:
    """Takes all the space there is left."""
    with path.open("ab", buffering=0) as file:
        for size in (1 << 20, 1 << 12, 1):
            try:
                while file.write(b"\0" * size) == size:
                    pass
            except OSError:
                pass


def answers(url: str) -> bool:
    try:
        with psycopg.connect(url, connect_timeout=5) as connection:
            return connection.execute("SELECT n FROM kept").fetchall() == [(7,)]
    except psycopg.Error:
        return False


def test_postgresql_that_a_full_disk_ended_comes_back_with_the_space(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with small_disk(tmp_path / "disk", 250) as disk, EmbeddedPostgres(disk / "data") as running:
        url = running.url()
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 7 AS n")
            fill(disk / "filler")
            with pytest.raises(psycopg.Error):  # noqa: PT012 - the disk is full at some time
                for _ in range(10_000):
                    connection.execute(WRITE)
        # Recovery needs space, too, so the whole server ends: in order, as after a request.
        assert postmaster.wait_until(lambda: "cannot be started again yet" in caplog.text, 60)
        assert not answers(url)
        (disk / "filler").unlink()
        assert postmaster.wait_until(lambda: answers(url), 60)
        assert "stopped from outside" not in caplog.text


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
def test_a_stop_that_was_asked_for_counts_as_one(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, how: signal.Signals
) -> None:
    with EmbeddedPostgres(tmp_path / "data") as running, caplog.at_level(logging.WARNING):
        first = running.postmaster()
        assert first is not None
        os.kill(first.pid, how)
        assert postmaster.wait_until(lambda: "stopped from outside" in caplog.text, 60)
        assert running.postmaster() is None


@pytest.mark.parametrize(("how", "is_asked"), [(signal.SIGINT, True), (signal.SIGKILL, False)])
def test_a_server_that_another_process_started_is_judged_by_what_it_wrote(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, how: signal.Signals, is_asked: bool
) -> None:
    first = Holder(tmp_path / "data")
    first.kill()
    with EmbeddedPostgres(tmp_path / "data") as running, caplog.at_level(logging.WARNING):
        orphan = running.postmaster()
        assert orphan is not None
        os.kill(orphan.pid, how)
        sentence = "stopped from outside" if is_asked else "died; starting it again"
        assert postmaster.wait_until(lambda: sentence in caplog.text, 60)
        if not is_asked:
            assert postmaster.wait_until(lambda: running_url(tmp_path / "data") is not None, 60)
