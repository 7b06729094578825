"""Whatever the environment, the role and the database set a session to: the same is stored and read."""

import ast
import json
import os
import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from conftest import OUTSIDE_SERVER
from running.running_service import Service, ask, folder, run
from shopalytic_server.storage.database.connections import open_pool
from shopalytic_server.storage.database.sessions import alone, connect, connect_blocking
from shopalytic_server.storage.privacy.data_retention import remove_expired
from shopalytic_server.storage.rebuild.typed_tables import rebuild
from shopalytic_server.storage.schema.migrate import _backend, migrate
from shops.report_shop import START, open_shop, order, page

SERVER = Path(__file__).resolve().parents[3] / "server" / "shopalytic_server"

# What a person may have set, and what our statements and the binary COPY need.
NEEDED = {
    "client_encoding": ("LATIN1", "UTF8"),
    "datestyle": ("SQL, DMY", "ISO, MDY"),
    "intervalstyle": ("iso_8601", "postgres"),
    "timezone": ("Asia/Kolkata", "UTC"),
    "bytea_output": ("escape", "hex"),
    "extra_float_digits": ("-10", "1"),
    "standard_conforming_strings": ("off", "on"),
    "array_nulls": ("off", "on"),
    "transform_null_equals": ("on", "off"),
    "quote_all_identifiers": ("on", "off"),
    "default_transaction_isolation": ("serializable", "read committed"),
}
ENVIRONMENT = {
    "PGCLIENTENCODING": "LATIN1",
    "PGDATESTYLE": "SQL, DMY",
    "PGTZ": "Asia/Kolkata",
    "PGOPTIONS": "-c bytea_output=escape -c intervalstyle=sql_standard -c extra_float_digits=-10",
}
NAME = "dév-😀-日本"


def set_for_database(url: str, settings: dict[str, str]) -> None:
    with connect_blocking(url) as connection:
        for name, value in settings.items():
            statement = sql.SQL("ALTER DATABASE {} SET {} = {}")
            database = sql.Identifier(connection.info.dbname)
            # A list in one pair of quotes would be one name.
            text = sql.SQL(value) if name in {"search_path", "datestyle"} else sql.Literal(value)
            connection.execute(statement.format(database, sql.SQL(name), text))


@pytest.fixture
def odd_database_url(database_url: str) -> str:
    """A database whose every session begins with settings that nobody expects."""
    odd = {name: given for name, (given, _) in NEEDED.items()}
    set_for_database(database_url, {**odd, "search_path": "pg_catalog, public, pg_temp"})
    return database_url


@pytest.mark.parametrize("variables", [{}, ENVIRONMENT], ids=["database", "database and environment"])
async def test_every_session_is_set_as_we_need_it(
    odd_database_url: str, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    wanted = {**{name: needed for name, (_, needed) in NEEDED.items()}, "search_path": "public"}
    pool = await open_pool(odd_database_url)
    try:
        async with pool.connection() as pooled, await connect(odd_database_url) as own:
            for session in (pooled, own):
                assert not session.is_shared
                found = {
                    name: (await (await session.execute(f"SHOW {name}".encode())).fetchall())[0][0]
                    for name in wanted
                }
                assert found == wanted
    finally:
        await pool.close()


async def test_what_is_stored_and_read_is_the_same(
    odd_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    arrival = START + timedelta(days=1)
    async with open_shop(odd_database_url) as shop:
        await shop.send(page(NAME), order("o1", "10.01", tracking_id=NAME), arrival=arrival)
        await shop.send(order("o2", "5.00", tracking_id=NAME), arrival=arrival + timedelta(days=2))
        [now] = await shop.sales()
        [then] = await shop.sales(as_of=arrival + timedelta(days=1))
    assert (now.total.gross, then.total.gross) == ("15.01", "10.01")
    assert (await rebuild(odd_database_url, check=True)).equal
    with connect_blocking(odd_database_url) as connection:
        found = connection.execute("SELECT DISTINCT tracking_id FROM events").fetchall()
    assert found == [(NAME,)]


def test_the_schema_is_made_in_odd_sessions_and_in_order_with_others(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    set_for_database(empty_database_url, {name: given for name, (given, _) in NEEDED.items()})
    assert migrate(empty_database_url)
    assert migrate(empty_database_url) == []


LIMITS = (
    "idle_in_transaction_session_timeout",
    "idle_session_timeout",
    "lock_timeout",
    "statement_timeout",
    "transaction_timeout",
)


@pytest.fixture
def limited_database_url(empty_database_url: str) -> str:
    """A database whose sessions have every limit of time that its PostgreSQL knows."""
    with connect_blocking(empty_database_url) as connection:
        rows = connection.execute("SELECT name FROM pg_settings WHERE name = ANY(%s)", [list(LIMITS)])
        known = [name for (name,) in rows.fetchall()]
    assert len(known) >= 4
    set_for_database(empty_database_url, dict.fromkeys(known, "50s"))
    return empty_database_url


def limits(rows: list[tuple[str, str]]) -> set[str]:
    return {name for name, value in rows if value != "0"}


ASKED = "SELECT name, setting FROM pg_settings WHERE name = ANY(%s)"


async def test_no_limit_of_the_role_or_the_database_holds_for_our_sessions(limited_database_url: str) -> None:
    async with await connect(limited_database_url) as own:
        assert limits(await (await own.execute(ASKED, [list(LIMITS)])).fetchall()) == set()
    pool = await open_pool(limited_database_url)
    try:
        async with pool.connection() as pooled:
            found = limits(await (await pooled.execute(ASKED, [list(LIMITS)])).fetchall())
    finally:
        await pool.close()
    # Those of the pool's own.
    assert found <= {"statement_timeout", "idle_in_transaction_session_timeout"}


def test_a_migration_may_take_as_long_as_it_needs(limited_database_url: str) -> None:
    backend = _backend(limited_database_url)
    with backend, backend.transaction():
        rows = backend.connection.execute(ASKED, [list(LIMITS)]).fetchall()
    # It waits for no table as long as others would have to wait behind it.
    assert limits(rows) == {"lock_timeout"}
    assert migrate(limited_database_url)


async def test_one_holds_a_lock_of_the_whole_database(database_url: str) -> None:
    async with alone(database_url, "test", wait=False) as first:
        async with alone(database_url, "test", wait=False) as second:
            assert (first, second) == (True, False)
        async with alone(database_url, "other", wait=True) as other:
            assert other
    async with alone(database_url, "test", wait=True) as again:
        assert again


@pytest.mark.parametrize("command", ["migrate", "serve"])
@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("default_transaction_read_only", "on", "is read-only for"),
        ("search_path", "nowhere", "No schema of the search path (nowhere)"),
        ("search_path", "''", "No schema of the search path"),
    ],
)
def test_a_database_that_takes_no_tables_is_told_by_one_sentence(
    empty_database_url: str, name: str, value: str, sentence: str, command: str
) -> None:
    set_for_database(empty_database_url, {name: value})
    with folder() as path:
        done = run(command, "--data-dir", path, "--database-url", empty_database_url)
        told = ask("doctor", "--data-dir", path, "--database-url", empty_database_url)
    assert done.returncode == told.returncode == 1
    assert sentence in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert sentence in told.stdout


def test_every_connection_of_the_server_is_made_in_one_place() -> None:
    # The embedded PostgreSQL makes its database before there is a store, and the outbox is the shop's own.
    elsewhere = {
        SERVER / "storage" / "database" / "sessions.py",
        SERVER / "embedded" / "server.py",
        SERVER / "cli" / "ingest" / "outbox.py",
    }
    found = [
        f"{path.name}:{node.lineno}"
        for path in SERVER.rglob("*.py")
        if path not in elsewhere
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute)
        and node.attr == "connect"
        and ast.unparse(node.value) in {"psycopg", "psycopg.Connection", "psycopg.AsyncConnection", "Session"}
    ]
    assert found == []


@pytest.fixture
def pooled_url(empty_database_url: str) -> Iterator[str]:
    """PgBouncer that lends a session for each transaction, in front of an empty, odd database."""
    program = shutil.which("pgbouncer") or shutil.which("/usr/sbin/pgbouncer")
    if program is None or OUTSIDE_SERVER:
        pytest.skip("needs pgbouncer, and PostgreSQL of our own")
    set_for_database(empty_database_url, {name: given for name, (given, _) in NEEDED.items()})
    server = conninfo_to_dict(empty_database_url)
    owner = pwd.getpwuid(Path(str(server["host"])).stat().st_uid)
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with folder() as path:
        path.chmod(0o755)
        ini = path / "pgbouncer.ini"
        ini.write_text(
            f"[databases]\nshop = host={server['host']} port={server['port']} dbname={server['dbname']}"
            f" user={server['user']}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n"
            "unix_socket_dir =\nauth_type = any\npool_mode = transaction\ndefault_pool_size = 6\n"
        )
        # It refuses to be root.
        other: dict[str, Any] = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
        process = subprocess.Popen(
            [program, "--quiet", str(ini)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **(other if os.geteuid() == 0 else {}),
        )
        url = make_conninfo(host="127.0.0.1", port=port, dbname="shop", user="any")
        try:
            _wait_until_it_answers(process, url)
            yield url
        finally:
            process.terminate()
            process.wait(120)


def _wait_until_it_answers(process: "subprocess.Popen[bytes]", url: str) -> None:
    deadline = time.monotonic() + 120
    while True:
        try:
            psycopg.connect(url).close()
            return
        except psycopg.OperationalError:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)


async def test_a_pooler_may_lend_its_sessions_for_each_transaction(pooled_url: str) -> None:
    assert migrate(pooled_url)
    arrival = START + timedelta(days=1)
    async with open_shop(pooled_url) as shop:
        for number in range(20):
            await shop.send(
                page(NAME, at=START + timedelta(minutes=number)),
                order(f"o{number}", "10.01", tracking_id=NAME),
                arrival=arrival + timedelta(days=number),
            )
            [now] = await shop.sales()
        [then] = await shop.sales(as_of=arrival + timedelta(days=10))
        async with shop.pool.connection() as connection:
            assert connection.is_shared
        assert await remove_expired(pooled_url) is not None
    assert (now.total.gross, then.total.gross) == ("200.20", "110.11")
    assert (await rebuild(pooled_url, check=True)).equal
    # Nothing of ours is left for those who borrow next.
    with psycopg.connect(pooled_url) as borrower:
        left = borrower.execute(
            "SELECT current_setting('statement_timeout'), current_setting('bytea_output')"
        )
        assert left.fetchone() == ("0", "escape")


def test_a_service_behind_a_pooler_serves_and_tells_the_doctor(
    pooled_url: str, empty_database_url: str
) -> None:
    with folder() as path, Service(path, "--database-url", pooled_url) as service:
        for name in "abc":
            properties = {"url": "https://shop.example/", "referrer": ""}
            view = {
                "type": "page_view",
                "tracking_id": name,
                "occurred_at": "2026-01-01T10:00:00Z",
                "properties": properties,
            }
            assert service.json("import", "-", stdin=json.dumps(view).encode())["accepted"] == 1
        assert service.json("report", "traffic")
        assert "[tail_alone]" in service.log()
        for direct, verdict in ((), "warning"), (("--direct-database-url", empty_database_url), "ok"):
            told = ask("doctor", "--data-dir", path, "--database-url", pooled_url, *direct, "--json")
            checks = {check["check"]: check["verdict"] for check in json.loads(told.stdout)["checks"]}
            assert checks["pooler"] == verdict
