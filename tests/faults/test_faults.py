"""The short form of `make faults`: under load and struck, nothing acknowledged is lost or there twice."""

import random
import time

import psycopg
import pytest

from faults.rounds import play
from faults.senders import Calls
from faults.stage import Apart, InOne, Stage
from faults.strangers import MOST_MEGABYTES, Besieged, besiege, chosen
from faults.strikes import STRIKES
from running.running_service import folder

pytestmark = pytest.mark.slow

# With 1,000 events allowed to wait, a server that refuses a flood has no reason to hold more.
MEMORY_MEGABYTES = 300


@pytest.fixture
def seed() -> int:
    """Printed when a test fails; put it here to see the same again."""
    found = time.time_ns() % 1_000_000
    print(f"seed {found}")
    return found


def strike(stage: Stage, seed: int, *names: str, seconds: float = 2.0) -> None:
    by_name = {each.name: each for each in STRIKES}
    dice = random.Random(seed)
    for name in names:
        row = play(stage, by_name[name], dice, seconds)
        print(row)
        assert row.good, f"{row}\n{stage.log()[-5_000:]}"
        assert row.acknowledged > 0


def test_everything_in_one_process_survives_kills_and_refuses_a_flood_with_a_delay(seed: int):
    with folder() as place, InOne(place, "--max-pending-events", "1000") as stage:
        strike(stage, seed, "kill -9 server and PostgreSQL", "SIGTERM under load")
        key = stage.services["server"].ready["keys"]["server"]
        flood = [Calls(stage.books, stage.grpc_address, key, 120, f"flood {n}", pace=1) for n in range(10)]
        stage.senders += flood
        row = play(stage, _LOCK_EVENT_KEYS, random.Random(seed), 2.0)
        print(row)
        assert row.good, f"{row}\n{stage.log()[-5_000:]}"
        assert row.refusals["RESOURCE_EXHAUSTED"] > 0
        assert stage.books.unhinted == 0
        assert row.megabytes < MEMORY_MEGABYTES


def test_processes_apart_survive_broken_lines_a_missing_store_and_a_second_server(seed: int):
    with folder() as place, Apart(place, postgres="max_connections = 20") as stage:
        strike(stage, seed, "kill -9 gateway", "clients cut", "no connection left", "migration, two servers")


def test_strangers_lose_no_event_meet_no_fault_and_get_nothing_in():
    """Every input, for a moment each; what it costs, `make faults` measures."""
    with folder() as place, Besieged(place) as stage:
        answered = []
        for stranger in chosen(""):
            cost = besiege(stage, stranger, seconds=1.0, quiet_seconds=0.0)
            print(cost)
            assert cost.good, f"{cost}\n{stage.log()[-5_000:]}"
            assert cost.acknowledged > 0
            assert cost.peak < MOST_MEGABYTES
            answered.append(bool(cost.answers))
        assert sum(answered) > len(answered) / 2
        assert stage.differences() == {}
        with psycopg.connect(stage.database_url) as store:
            # Only strangers call orders by a bare number.
            numbers = "SELECT count(*) FROM events WHERE properties->>'order_id' ~ '^[0-9]+$'"
            assert store.execute(numbers).fetchone() == (0,)
            victims = "SELECT count(*) FROM events WHERE properties->>'identity' LIKE 'victim-%'"
            assert store.execute(victims).fetchone() == (0,)
            assert store.execute("SELECT count(*) > 0 FROM quarantine").fetchone() == (True,)


def _lock_event_keys(stage: Stage, dice: random.Random, seconds: float) -> None:
    with psycopg.connect(stage.database_url) as other:
        other.execute("LOCK TABLE event_keys")
        time.sleep(seconds)


_LOCK_EVENT_KEYS = STRIKES[0]._replace(name="event keys locked", happen=_lock_event_keys)
