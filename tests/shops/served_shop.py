"""A shop that is asked by calls: the real server over the real store."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from shopalytic_server.storage.database.connections import open_pool
from shopalytic_server.storage.ingest.writer import Writer
from shopalytic_server.storage.reports import Reports
from shopalytic_server.storage.reports.answering import FactReports
from shops.report_shop import Asked, Shop
from standins.rpc import Running, running


@asynccontextmanager
async def serve_shop(database_url: str) -> AsyncIterator[tuple[Running, Shop]]:
    """A server with a project, and the same project's shop for sending and asking past the calls."""
    pool = await open_pool(database_url)
    writer = Writer(pool)
    await writer.start()
    try:
        async with running(database_url, real_writer=writer) as server:
            yield server, Shop(pool, writer, Asked(Reports(pool, FactReports(pool))), server.project)
    finally:
        await writer.close()
        await pool.close()
