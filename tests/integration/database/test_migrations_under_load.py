"""A migration beside running servers: writers are not held up, and an older server goes on."""

import threading
from pathlib import Path

import psycopg
import pytest
from yoyo import read_migrations
from yoyo.migrations import get_migration_hash

from shopalytic_server.storage.schema import migrate as migrating
from shopalytic_server.storage.schema.migrate import migrate, pending
from shops.report_shop import open_shop, page


@pytest.fixture
def future(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One more migration than this version has."""
    (tmp_path / "9999_future.sql").write_text("ALTER TABLE event_keys ADD COLUMN future int;")
    ours = migrating.folder()
    monkeypatch.setattr(migrating, "_migrations", lambda: read_migrations(ours, str(tmp_path)))


@pytest.mark.usefixtures("future")
async def test_a_migration_that_has_to_wait_lets_writers_through_and_comes_back(database_url):
    done: list[str] = []
    thread = threading.Thread(target=lambda: done.extend(migrate(database_url)))
    async with open_shop(database_url) as shop:
        with psycopg.connect(database_url) as reader:
            reader.execute("SELECT count(*) FROM event_keys")
            thread.start()
            with psycopg.connect(database_url, autocommit=True) as observer:
                waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock'"
                while observer.execute(waiting).fetchone() == (0,):
                    pass
            # Were the migration to wait on, this would wait behind it for ever.
            await shop.send(page("t1"))
            assert done == []
        thread.join()
        assert done == ["9999_future"]
        await shop.send(page("t2"))


@pytest.mark.usefixtures("future")
async def test_a_server_on_a_newer_schema_goes_on(database_url, monkeypatch):
    assert migrate(database_url) == ["9999_future"]
    monkeypatch.undo()
    assert migrate(database_url) == pending(database_url) == []
    async with open_shop(database_url) as shop:
        await shop.send(page("t1"))


def test_what_was_applied_by_a_former_name_is_not_applied_again(database_url):
    former = "0005_page_quarters"
    with psycopg.connect(database_url) as conn:
        conn.execute(
            "UPDATE _yoyo_migration SET migration_id = %s, migration_hash = %s WHERE migration_id = %s",
            (former, get_migration_hash(former), "0007_page_quarters"),
        )
    assert pending(database_url) == []
    assert migrate(database_url) == []
