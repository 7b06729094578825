"""Every report over a year of a large shop, first and again, beside DuckDB over a flat table made for it.

Prints JSON. The shop is the one of tests/shops/large_shop.py; its facts are built first,
which is measured. First is the answer of a process and a PostgreSQL that were just
started, whose own memory is empty (the operating system's is not); again the median of
several answers after it. CPU is of this process, which has DuckDB. A report that says
something else than DuckDB ends the run.
Run: .venv/bin/python tests/benchmarks/reports.py [--events 10000000] [--small]
"""

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import psycopg
from load.reports_duckdb import FLAT, STATEMENTS

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from shopalytic.v1 import reports_pb2
from shopalytic_server.embedded import EmbeddedPostgres
from shopalytic_server.storage.database.connections import open_pool
from shopalytic_server.storage.facts.builder import Builder
from shopalytic_server.storage.facts.engine import Engine
from shopalytic_server.storage.facts.facts import FactStore
from shopalytic_server.storage.facts.files import FactFiles
from shopalytic_server.storage.reports import Reports
from shopalytic_server.storage.reports.answering import FactReports
from shopalytic_server.storage.schema.migrate import migrate
from shops.large_shop import BEGIN, END, fill
from shops.report_shop import PROJECT

WARM_ROUNDS = 5
_TIMES = {"begin": BEGIN, "end": END}
_COLUMNS = "dataset_id, occurred_at, event_id, type, tracking_id, identity, source, bot, properties"
_ADD_PROJECT = """
INSERT INTO projects (project_id, name, currency, time_zone, browser_event_types, created_at)
VALUES (%(project_id)s, %(name)s, %(currency)s, %(time_zone)s, '{}', %(created_at)s)
"""

Ask = Callable[[Reports], Awaitable[Any]]


def _scope(**fields: Any) -> reports_pb2.ReportScope:
    scope = reports_pb2.ReportScope(**fields)
    getattr(scope, "from").FromDatetime(BEGIN)
    scope.to.FromDatetime(END)
    return scope


def _step(**by: str) -> reports_pb2.FunnelStep:
    return reports_pb2.FunnelStep(**by)


_STEPS = [_step(event_type=name) for name in ("product_view", "cart_add", "order")]
_MONTH = reports_pb2.INTERVAL_MONTH
_SEARCHES: dict[str, dict[str, Any]] = {
    "customers by id": {},
    "customers, search by email": {"search": "person-17"},
    "customers, search by name": {"search": "name42"},
    "customers by last seen": {"order_by": reports_pb2.CUSTOMER_ORDER_LAST_SEEN},
    "customers by net": {"order_by": reports_pb2.CUSTOMER_ORDER_NET},
    "customers by orders": {"order_by": reports_pb2.CUSTOMER_ORDER_ORDERS},
}


def _asks() -> dict[str, Ask]:
    """What is asked, by name."""
    sales = reports_pb2.GetSalesReportRequest(scope=_scope(), interval=_MONTH)
    funnel = reports_pb2.GetFunnelReportRequest(scope=_scope(), steps=_STEPS)
    products = reports_pb2.GetProductReportRequest(scope=_scope(currency="EUR"), limit=10_000)
    retention = reports_pb2.GetRetentionReportRequest(scope=_scope(), interval=_MONTH)
    carts = reports_pb2.GetCartReportRequest(scope=_scope())
    fulfilment = reports_pb2.GetFulfilmentReportRequest(scope=_scope())
    traffic = reports_pb2.GetTrafficReportRequest(scope=_scope(), interval=_MONTH)
    person = reports_pb2.CustomerSelector(identity="person-7")
    asks: dict[str, Ask] = {
        "sales": lambda of: of.answer(PROJECT, sales),
        "funnel": lambda of: of.answer(PROJECT, funnel),
        "products": lambda of: of.answer(PROJECT, products),
        "retention": lambda of: of.answer(PROJECT, retention),
        "carts": lambda of: of.answer(PROJECT, carts),
        "fulfilment": lambda of: of.answer(PROJECT, fulfilment),
        "traffic": lambda of: of.answer(PROJECT, traffic),
        "customer page": lambda of: of.answer(PROJECT, reports_pb2.GetCustomerRequest(customer=person)),
        "timeline": lambda of: of.answer(PROJECT, reports_pb2.ListCustomerEventsRequest(customer=person)),
    }
    for name, fields in _SEARCHES.items():
        request = reports_pb2.ListCustomersRequest(**fields)
        asks[name] = lambda of, request=request: of.answer(PROJECT, request)  # type: ignore[misc]
    return asks


def _month(stamp: Any) -> str:
    at = stamp.ToDatetime(UTC) if hasattr(stamp, "ToDatetime") else stamp.astimezone(UTC)
    return f"{at:%Y-%m}"


# What a report says, in the form of DuckDB's answer to the statement of the same name.
FIGURES: dict[str, Callable[[Any], list[Any]]] = {
    "sales": lambda answer: [
        (report.currency, _month(row.start), row.orders, Decimal(row.gross))
        for report in answer.reports
        for row in report.rows
        if row.orders
    ],
    "funnel": lambda answer: [tuple(step.customers for step in answer.funnels[0].steps)],
    "products": lambda answer: sorted(
        (row.sku, row.views, row.viewers, row.orders, row.units, Decimal(row.gross))
        for row in answer.reports[0].rows
        if row.views or row.orders
    ),
    "retention": lambda answer: [
        (_month(cohort.start), period.index, period.customers)
        for cohort in answer.cohorts
        for period in cohort.periods
        if period.customers
    ],
    "carts": lambda answer: [
        (sum(each.created for each in answer.reports), sum(each.ordered for each in answer.reports))
    ],
    "fulfilment": lambda answer: [
        (row.carrier, row.parcels, row.delivered, row.late) for row in answer.carriers
    ],
    "traffic": lambda answer: [(answer.total.page_views, answer.total.visitors, answer.total.sessions)],
}


def _plain(rows: list[tuple[Any, ...]]) -> list[Any]:
    return [tuple(_month(value) if isinstance(value, datetime) else value for value in row) for row in rows]


async def _load(url: str, events: int) -> int:
    pool = await open_pool(url)
    async with pool.connection() as conn:
        await conn.set_autocommit(True)
        await conn.execute(_ADD_PROJECT, {**asdict(PROJECT), "browser_event_types": None})
        await fill(conn, events)
        row = await (await conn.execute("SELECT count(*) FROM events")).fetchone()
    await pool.close()
    return int(row[0]) if row else 0


def _export(url: str, folder: Path) -> Path:
    """The raw events as one Parquet file, in the order of time."""
    path = folder / "events.csv"
    order = f"COPY (SELECT {_COLUMNS} FROM events ORDER BY occurred_at) TO STDOUT (FORMAT csv, HEADER)"
    with psycopg.connect(url) as connection, connection.cursor().copy(order) as copy, path.open("wb") as file:
        for part in copy:
            file.write(part)
    parquet = folder / "events.parquet"
    duckdb.sql(
        f"COPY (SELECT * REPLACE (CAST(occurred_at AS TIMESTAMPTZ) AS occurred_at) FROM read_csv('{path}',"
        f" all_varchar = true)) TO '{parquet}' (FORMAT parquet)"
    )
    path.unlink()
    return parquet


class Duck:
    """DuckDB over one flat table a question, with as many threads as there are cores."""

    def __init__(self, parquet: Path) -> None:
        self._connection = duckdb.connect()
        self._connection.execute("SET TimeZone = 'UTC'")
        columns = "dataset_id::INT AS dataset_id, (bot = 't') AS bot, properties::JSON AS properties"
        self._connection.execute(
            f"CREATE VIEW raw AS SELECT * REPLACE ({columns}) FROM read_parquet('{parquet}')"
        )

    def make(self, name: str) -> None:
        """Makes the table of a question."""
        times = {key: value for key, value in _TIMES.items() if f"${key}" in FLAT[name]}
        self._connection.execute(f"CREATE OR REPLACE TABLE flat AS {FLAT[name]}", times)

    def ask(self, name: str) -> list[Any]:
        """The answer to a question whose table was made."""
        times = {key: value for key, value in _TIMES.items() if f"${key}" in STATEMENTS[name]}
        return _plain(self._connection.execute(STATEMENTS[name], times).fetchall())

    def seconds(self, name: str, rounds: int) -> float:
        """The median of some answers."""
        return statistics.median(_timed_call(lambda: self.ask(name)) for _ in range(rounds))


def _timed_call(call: Callable[[], Any]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


async def _timed(ask: Ask, reports: Reports) -> float:
    start = time.perf_counter()
    await ask(reports)
    return time.perf_counter() - start


def _store(folder: Path) -> FactStore:
    """Facts as a process has them that was just started."""
    return FactStore(Engine(folder=folder), FactFiles(folder))


async def _build(url: str, folder: Path, events: int) -> dict[str, Any]:
    """Makes the files of facts."""
    pool = await open_pool(url)
    builder = Builder(_store(folder), pool, pool, disk_mb=100_000, quiet=timedelta())
    start, cpu = time.perf_counter(), time.process_time()
    await builder.build_all()
    seconds = time.perf_counter() - start
    await pool.close()
    return {
        "seconds": round(seconds, 1),
        "cpu_seconds": round(time.process_time() - cpu, 1),
        "events_a_second": round(events / seconds),
        "megabytes": round(builder.size / 1e6, 1),
    }


async def _measure(server: EmbeddedPostgres, facts: Path, duck: Duck, rounds: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, ask in _asks().items():
        await asyncio.to_thread(server.stop)
        pool = await open_pool(await asyncio.to_thread(server.start))
        reports = Reports(pool, FactReports(pool, facts=_store(facts)))
        cpu = time.process_time()
        first = await _timed(ask, reports)
        line = {
            "first_ms": round(1000 * first, 1),
            "first_cpu_ms": round(1000 * (time.process_time() - cpu), 1),
        }
        answer = await ask(reports)
        again = statistics.median([await _timed(ask, reports) for _ in range(rounds)])
        await pool.close()
        line["again_ms"] = round(1000 * again, 1)
        if name in STATEMENTS:
            duck.make(name)
            told, expected = FIGURES[name](answer), duck.ask(name)
            if told != expected:
                raise SystemExit(f"{name}: the report says {told[:3]}, DuckDB {expected[:3]}")
            seconds = duck.seconds(name, rounds)
            line |= {"duckdb_ms": round(1000 * seconds, 1), "ratio": round(first / seconds, 2)}
        found[name] = line
        print(f"{name}: {line}", file=sys.stderr)
    return found


async def _main(events: int, rounds: int) -> None:
    with tempfile.TemporaryDirectory(prefix="shopalytic-reports-") as folder:
        server = EmbeddedPostgres(Path(folder, "data"))
        url = await asyncio.to_thread(server.start)
        try:
            await asyncio.to_thread(migrate, url)
            start = time.perf_counter()
            stored = await _load(url, events)
            loaded = time.perf_counter() - start
            duck = Duck(await asyncio.to_thread(_export, url, Path(folder)))
            facts = Path(folder, "facts")
            built = await _build(url, facts, stored)
            reports = await _measure(server, facts, duck, rounds)
        finally:
            await asyncio.to_thread(server.stop)
    found = {"events": stored, "load_seconds": round(loaded, 1), "facts": built, "reports": reports}
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000, help="how many events the shop has")
    parser.add_argument("--small", action="store_true", help="a quick run that proves the benchmark works")
    given = parser.parse_args()
    asyncio.run(_main(20_000 if given.small else given.events, 1 if given.small else WARM_ROUNDS))
