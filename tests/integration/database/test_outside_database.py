"""A database that somebody else has made: what it must be, and what is said where it is not."""

import json
import uuid
from collections.abc import Iterator
from datetime import timedelta

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from conftest import database_on, drop_database
from running.running_service import ask, folder, run
from shopalytic_server.storage.rebuild.typed_tables import rebuild
from shopalytic_server.storage.schema.migrate import migrate
from shops.report_shop import START, open_shop, order, page


@pytest.fixture
def ascii_database_url(postgres_url: str) -> Iterator[str]:
    """What `createdb` makes on a system without a locale."""
    name = f"shopalytic_ascii_{uuid.uuid4().hex[:12]}"
    statement = "CREATE DATABASE {} TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE_PROVIDER libc LOCALE 'C'"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(sql.SQL(statement).format(sql.Identifier(name)))
    try:
        yield database_on(postgres_url, name)
    finally:
        drop_database(postgres_url, name)


@pytest.fixture
def closed_database_url(empty_database_url: str) -> str:
    """An empty database whose user may not create anything in it."""
    with psycopg.connect(empty_database_url) as connection:
        if connection.info.parameter_status("is_superuser") == "on":
            pytest.skip("a superuser may create everything")
        connection.execute("REVOKE CREATE ON SCHEMA public FROM pg_database_owner")
    return empty_database_url


@pytest.fixture
def schema_url(empty_database_url: str) -> str:
    """A database that keeps Shopalytic's tables in a schema of their own."""
    with psycopg.connect(empty_database_url) as connection:
        connection.execute('CREATE SCHEMA "Shop"')
    url = make_conninfo(empty_database_url, options='-c search_path="Shop"')
    migrate(url)
    return url


async def test_the_tables_may_be_in_a_schema_of_their_own(schema_url: str) -> None:
    arrival = START + timedelta(days=1)
    async with open_shop(schema_url) as shop:
        await shop.send(page("t1"), order("o1", "10.00", tracking_id="t1"), arrival=arrival)
        await shop.send(order("o2", "5.00", tracking_id="t1"), arrival=arrival + timedelta(days=2))
        [now] = await shop.sales()
        [then] = await shop.sales(as_of=arrival + timedelta(days=1))
    assert (now.total.gross, then.total.gross) == ("15.00", "10.00")
    with psycopg.connect(schema_url) as connection:
        connection.execute("UPDATE order_revisions SET total = total + 1")
    repaired = await rebuild(schema_url, check=False)
    assert repaired.differences["order_revisions"] == 4
    assert (await rebuild(schema_url, check=True)).equal
    with psycopg.connect(schema_url) as connection:
        assert connection.execute("SELECT to_regclass('public.events')").fetchone() == (None,)


@pytest.mark.parametrize("command", ["migrate", "rebuild", "serve"])
def test_a_user_who_may_not_create_tables_is_told_what_to_do(closed_database_url: str, command: str) -> None:
    with folder() as path:
        done = run(command, "--data-dir", path, "--database-url", closed_database_url)
    assert done.returncode == 1
    assert "permission denied for schema public" in done.stderr
    assert "must own its database" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_doctor_finds_a_user_who_may_not_create_tables(closed_database_url: str) -> None:
    assert "may not create tables" in _database_of_doctor(closed_database_url)


@pytest.mark.parametrize("command", ["migrate", "rebuild", "serve"])
def test_an_encoding_that_cannot_hold_every_text_is_refused(ascii_database_url: str, command: str) -> None:
    with folder() as path:
        done = run(command, "--data-dir", path, "--database-url", ascii_database_url)
    assert done.returncode == 1
    assert "has the encoding SQL_ASCII" in done.stderr
    assert "ENCODING 'UTF8'" in done.stderr
    with psycopg.connect(ascii_database_url) as connection:
        assert connection.execute("SELECT to_regclass('events')").fetchone() == (None,)


def test_the_doctor_finds_an_encoding_that_cannot_hold_every_text(ascii_database_url: str) -> None:
    assert "has the encoding SQL_ASCII" in _database_of_doctor(ascii_database_url)


def _database_of_doctor(url: str) -> str:
    with folder() as path:
        done = ask("doctor", "--data-dir", path, "--database-url", url, "--json")
    assert done.returncode == 1
    [found] = [check for check in json.loads(done.stdout)["checks"] if check["check"] == "database"]
    assert found["verdict"] == "failed"
    return str(found["message"])
