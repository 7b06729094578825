"""The released version and this one on one database, as in an upgrade server by server."""

import os
import re
import subprocess
import sys
import tarfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import psycopg
import pytest
from google.protobuf import json_format

from running.ledger import Ledger, stored_ids
from running.running_service import PATIENCE_SECONDS, Service, folder, run
from shopalytic.v1 import admin_pb2, admin_pb2_grpc, collector_pb2, reports_pb2, reports_pb2_grpc
from shopalytic.v1.collector_pb2_grpc import CollectorServiceStub
from standins.rpc import batch, page_view

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).parents[2]
MIGRATIONS = "server/shopalytic_server/storage/migrations"
# The first migration that no released version has.
FIRST_UNRELEASED = "0016_key_classes.sql"
CODE = ("server", "clients/python")
BATCHES = 8

ACCEPTED = collector_pb2.EVENT_STATUS_ACCEPTED
DUPLICATE = collector_pb2.EVENT_STATUS_DUPLICATE

REPORTS = ("Sales", "Traffic", "Funnel", "Product", "Retention", "Cart", "Fulfilment", "Delivery")


def git(*args: str) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(["git", "-C", str(REPOSITORY), *args], capture_output=True, check=False)


def released_commit() -> str:
    """The last commit without a migration of the coming release; skips where git does not have it."""
    try:
        log = git("log", "--diff-filter=A", "--format=%H", "--", f"{MIGRATIONS}/{FIRST_UNRELEASED}")
    except FileNotFoundError:
        pytest.skip("git, which has the older version, is not installed")
    added = log.stdout.decode().split()
    if log.returncode != 0 or not added:
        pytest.skip("this is no clone with the released version")
    found = git("rev-parse", "--verify", "--quiet", f"{added[-1]}^")
    if found.returncode != 0:
        pytest.skip("the clone is too shallow to have the released version")
    return found.stdout.decode().strip()


@pytest.fixture(scope="module")
def older():
    """Where the older version's code lies, as a Python path."""
    commit = released_commit()
    with folder() as place:
        archive = git("archive", commit, *CODE)
        assert archive.returncode == 0, archive.stderr
        with tarfile.open(fileobj=BytesIO(archive.stdout)) as tar:
            tar.extractall(place, filter="data")
        path = os.pathsep.join(str(place / part) for part in CODE)
        code = "import shopalytic, shopalytic_server; print(shopalytic.__file__, shopalytic_server.__file__)"
        told = subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONPATH": path},
            capture_output=True,
            text=True,
            check=True,
        )
        assert all(name.startswith(str(place)) for name in told.stdout.split())
        yield path


# Each version signs its own.
_TOKENS = ("explain", "nextPageToken")


def within(part: Any, whole: Any) -> bool:
    """Whether an answer says all that another does: a later version may say more.

    A token of what is behind a number may hold the moment at which it was asked for.
    """
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(
            name in whole and (name in _TOKENS or within(value, whole[name])) for name, value in part.items()
        )
    if isinstance(part, list):
        return isinstance(whole, list) and len(part) == len(whole) and all(map(within, part, whole))
    return bool(part == whole)


def answers(service: Service) -> dict[str, Any]:
    """What a server answers to each report."""
    with service.channel() as channel:
        stub = reports_pb2_grpc.ReportServiceStub(channel)
        asked: dict[str, Any] = {
            name: (getattr(stub, f"Get{name}Report"), getattr(reports_pb2, f"Get{name}ReportRequest")())
            for name in REPORTS
        }
        asked["customers"] = (stub.ListCustomers, reports_pb2.ListCustomersRequest(page_size=1000))
        asked["orders"] = (stub.ListOrders, reports_pb2.ListOrdersRequest(page_size=1000))
        return {
            name: json_format.MessageToDict(
                call(request, metadata=service.metadata("reports"), timeout=PATIENCE_SECONDS)
            )
            for name, (call, request) in asked.items()
        }


def behind(service: Service, token: str) -> Any:
    """The events behind a number of any server."""
    with service.channel() as channel:
        ask = reports_pb2_grpc.ReportServiceStub(channel).ListEvents
        request = reports_pb2.ListEventsRequest(explain=token, page_size=1000)
        answer = ask(request, metadata=service.metadata("reports"), timeout=PATIENCE_SECONDS)
        return {each["eventId"]: each for each in json_format.MessageToDict(answer)["events"]}


def load_on_both(older: Service, newer: Callable[[], Service], ledger: Ledger) -> None:
    """Sends to the older server, starts the newer one meanwhile, and goes on with both."""
    with ledger.load(older):
        ledger.wait_for(BATCHES)
        with ledger.load(newer()):
            ledger.wait_for(2 * BATCHES)
    assert not ledger.failures


def test_the_version_before_and_this_one_share_a_database_while_this_one_migrates_it(
    older: str, empty_database_url: str
):
    ledger = Ledger()
    flags = ("--database-url", empty_database_url, "--data-dir")
    with folder() as place, folder() as other:
        keys = str(place / "data")
        before = Service(place, python_path=older)
        after = Service(other)
        try:
            before.start_as("server", *flags, keys, "--grpc-port", "0")
            newest = migrations(empty_database_url)
            load_on_both(before, lambda: after.start_as("server", *flags, keys, "--grpc-port", "0"), ledger)
            assert migrations(empty_database_url) > newest
            assert set(ledger.acknowledged.values()) == {ACCEPTED}
            assert sorted(stored_ids(empty_database_url)) == sorted(ledger.acknowledged)
            for service in (before, after):
                assert set(ledger.resend(service).values()) == {DUPLICATE}
            assert sorted(stored_ids(empty_database_url)) == sorted(ledger.acknowledged)
            manage(before, after, "Europe/Rome")
            manage(after, before, "Asia/Tokyo")
            told, tells = answers(before), answers(after)
            # Funnels go by another order of the events of one second now.
            assert [name for name in told if not within(told[name], tells[name])] in ([], ["Funnel"])
            # Each version explains its own numbers: the one before signs its tokens otherwise, or not at all.
            first, second = (each["Sales"]["reports"][0]["total"]["explain"] for each in (told, tells))
            # And has its own order of the events of one second, so that their pages differ.
            one, other_one = behind(before, first), behind(after, second)
            common = one.keys() & other_one.keys()
            assert common
            assert [each for each in common if not within(one[each], other_one[each])] == []
            checked = run("rebuild", "--check", *flags[:2])
            assert checked.returncode == 0, checked.stdout + checked.stderr
        finally:
            for service in (before, after):
                if service.process is not None:
                    assert service.stop() == 0
        for service in (before, after):
            assert re.findall(r"\[(fault|store_refuses|unstorable)\]", service.log()) == []


def manage(service: Service, other: Service, time_zone: str) -> None:
    """What is changed at one server is known to the other."""
    key = {"metadata": service.metadata("admin"), "timeout": PATIENCE_SECONDS}
    with service.channel() as here, other.channel() as there:
        stub, remote = admin_pb2_grpc.AdminServiceStub(here), admin_pb2_grpc.AdminServiceStub(there)
        stub.UpdateProject(admin_pb2.UpdateProjectRequest(time_zone=time_zone), **key)
        assert remote.GetProject(admin_pb2.GetProjectRequest(), **key).project.time_zone == time_zone
        made = stub.CreateKey(admin_pb2.CreateKeyRequest(key_class=admin_pb2.KEY_CLASS_SERVER), **key).key
        CollectorServiceStub(there).Track(
            batch(page_view()),
            metadata=(("authorization", f"Bearer {made.secret}"),),
            timeout=PATIENCE_SECONDS,
        )
        listed = remote.ListKeys(admin_pb2.ListKeysRequest(), **key).keys
        assert made.key.key_id in {each.key_id for each in listed}


def test_a_migration_that_has_landed_keeps_its_name_and_its_text(older: str):
    former = Path(older.split(os.pathsep)[0], *Path(MIGRATIONS).parts[1:])
    names = [path.name for path in former.glob("[0-9]*.sql")]
    assert names
    now = {path.name: path.read_bytes() for path in (REPOSITORY / MIGRATIONS).glob("[0-9]*.sql")}
    assert [name for name in names if now.get(name) != (former / name).read_bytes()] == []


def migrations(url: str) -> set[str]:
    """The names of those that were applied."""
    with psycopg.connect(url) as connection:
        return {name for (name,) in connection.execute("SELECT migration_id FROM _yoyo_migration")}
