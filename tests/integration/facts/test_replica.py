"""Reports of a streaming replica: facts are made from it, and it may lag when somebody is erased."""

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from running import prepared_data
from running.standby import PATIENCE_SECONDS, Standby, standby_of
from shopalytic.v1 import admin_pb2, reports_pb2
from shopalytic_server.cli.doctor.checks import Verdict
from shopalytic_server.cli.doctor.replica_checks import check_replica
from shopalytic_server.embedded import EmbeddedPostgres
from shopalytic_server.embedded.postmaster import wait_until
from shopalytic_server.storage.database.connections import Pool, open_pool
from shopalytic_server.storage.facts.builder import Builder
from shopalytic_server.storage.facts.erased import ErasedFiles
from shopalytic_server.storage.facts.facts import FactStore
from shopalytic_server.storage.facts.files import FactFiles
from shopalytic_server.storage.privacy.erasure import Erasures
from shopalytic_server.storage.reports.answering import FactReports
from shops.fact_shop import FIRST
from shops.report_shop import PROJECT, Shop, open_shop, order

QUESTION = reports_pb2.GetSalesReportRequest()
# Of each of three people one in each of these months.
MONTHS = 4


@pytest.fixture
def primary(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    data_dir = tmp_path / "p"
    prepared_data.copy_to(data_dir)
    with EmbeddedPostgres(data_dir) as running:
        yield running


@pytest.fixture
async def shop(primary: EmbeddedPostgres) -> AsyncIterator[Shop]:
    async with open_shop(primary.url()) as opened:
        await opened.send(
            *(
                order(f"o{month}{number}", at=FIRST - timedelta(days=31 * month), identity=f"p{number}")
                for month in range(MONTHS)
                for number in range(3)
            )
        )
        yield opened


@pytest.fixture
def standby(shop: Shop, primary: EmbeddedPostgres, tmp_path: Path) -> Iterator[Standby]:
    assert shop.project == PROJECT  # Its events are what is copied.
    with standby_of(primary, tmp_path / "s") as running:
        running.catch_up(primary.url())
        yield running


@pytest.fixture
async def replica(standby: Standby) -> AsyncIterator[Pool]:
    pool = await open_pool(standby.url)
    yield pool
    await pool.close()


async def sales(reports: FactReports) -> reports_pb2.GetSalesReportResponse:
    answer: reports_pb2.GetSalesReportResponse = await reports.ask("sales", PROJECT, QUESTION)
    return answer


async def test_facts_are_made_of_the_replica_and_an_erasure_ends_their_files(
    shop: Shop, primary: EmbeddedPostgres, standby: Standby, replica: Pool, tmp_path: Path
) -> None:
    files = FactFiles(tmp_path / "facts")
    store = FactStore(files=files)
    builder = Builder(store, shop.pool, replica, disk_mb=1_000, quiet=timedelta())
    reports, plain = FactReports(replica, shop.pool, facts=store), FactReports(replica, shop.pool)

    # The first look closes days, which the replica learns a moment later.
    await builder.build_all()
    standby.catch_up(primary.url())
    await builder.build_all()
    assert builder.days_missing == 0
    units = files.units()
    assert len(units) >= MONTHS - 1
    whole = await sales(reports)
    assert whole.reports[0].total.orders == 3 * MONTHS
    assert whole == await sales(plain)
    finding = check_replica(standby.url)
    assert finding.verdict is Verdict.OK

    # It lags: somebody is erased, and it does not know.
    standby.run("SELECT pg_wal_replay_pause()")
    finding = check_replica(standby.url)
    assert (finding.verdict, "paused" in finding.message) == (Verdict.FAILED, True)
    request = admin_pb2.EraseCustomerRequest(customer=reports_pb2.CustomerSelector(any="p1"))
    erased = ErasedFiles(files, shop.pool, store.engine.renew)
    await Erasures(shop.pool, erased.remove).erase_customer(PROJECT, request)
    # With the receipt the files are gone that had the person, and none is made of what the replica still has.
    assert files.units() == []
    await builder.build_all()
    assert files.units() == []

    # It has caught up.
    standby.run("SELECT pg_wal_replay_resume()")
    standby.catch_up(primary.url())
    await builder.build_all()
    assert len(files.units()) == len(units)
    left = await sales(reports)
    assert left.reports[0].total.orders == 2 * MONTHS
    assert left == await sales(plain)

    # Its primary is away.
    standby.run("ALTER SYSTEM SET primary_conninfo = 'host=/nowhere'")
    standby.run("SELECT pg_reload_conf()")
    told = "receives nothing from its primary"
    assert wait_until(lambda: told in check_replica(standby.url).message, PATIENCE_SECONDS)
    assert check_replica(standby.url).verdict is Verdict.FAILED
