"""The demo's visitors: a whole service, what they leave in its store, and what a restart repeats."""

import re
import time
from collections import Counter
from datetime import UTC, date, datetime, timedelta

import psycopg
import pytest

from running.running_service import PATIENCE_SECONDS, Service, folder, run
from shopalytic.v1 import events_pb2
from shopalytic_demo.visitors.history import lives

KINDS = {
    field.name
    for field in events_pb2.Event.DESCRIPTOR.oneofs_by_name["payload"].fields
    if field.name != "undecoded"
}
DAY = date(2026, 3, 2)
DAYS = 30


class Demo(Service):
    """`shopalytic demo` on free ports."""

    def start(self, *more_flags):
        where = ["--data-dir", str(self.data_dir), "--grpc-port", "0", "--http-port", "0"]
        return self.start_as("demo", *where, "--history-days", str(DAYS), *self._flags, *more_flags)

    def until_told(self, times=1):
        """What became of the visitors' past at the last start, by status."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while len(lines := re.findall(r"past is told: (.*)\. \[demo_history\]", self.log())) < times:
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.1)
        counts = [part.split() for part in lines[-1].split(", ")]
        return {status: int(number) for number, status in counts}

    def ask(self, statement):
        with psycopg.connect(self.ready["database_url"]) as connection:
            return connection.execute(statement).fetchall()


@pytest.fixture
def place():
    with folder() as path:
        yield path


def history(seed, today, days=DAYS):
    """What those did before today who came first on one of these days."""
    midnight = datetime.combine(today, datetime.min.time(), UTC)
    for ago in range(1, days + 1):
        for life in lives(seed, today - timedelta(days=ago)):
            if acts := [dated for dated in life if dated.at < midnight]:
                yield acts


def plain(told):
    """Without the devices, which are compared as the very same object."""
    return [
        [(one.event_id, one.at, one.act.type, one.act.properties, one.act.context) for one in life]
        for life in told
    ]


def devices_signed_in(life):
    return {dated.act.device for dated in life if dated.act.device and dated.act.type == "identify"}


def test_the_past_has_every_kind_of_event_and_a_few_hundred_orders():
    kinds = Counter(dated.act.type for life in history(1, DAY) for dated in life)
    assert set(kinds) == KINDS
    assert 200 < kinds["order"] < 1000


def test_the_same_seed_and_day_tell_the_same_past():
    assert plain(history(7, DAY)) == plain(history(7, DAY))


def test_another_seed_tells_another_past():
    ids = [{dated.event_id for life in history(seed, DAY) for dated in life} for seed in (1, 2)]
    assert not ids[0] & ids[1]


def test_the_past_goes_on_the_next_day_without_a_change_to_what_was_told():
    told = {entry[0]: entry for life in plain(history(7, DAY)) for entry in life}
    later = {
        entry[0]: entry for life in plain(history(7, DAY + timedelta(days=1), days=31)) for entry in life
    }
    assert told.items() <= later.items()
    assert {entry[1].date() for id_, entry in later.items() if id_ not in told} == {DAY}


def test_nobody_is_counted_before_they_came_or_after_last_midnight():
    dates = {dated.at.date() for life in history(7, DAY) for dated in life}
    assert min(dates) == DAY - timedelta(days=30)
    assert max(dates) == DAY - timedelta(days=1)


def test_some_people_come_back_on_other_devices_and_some_visitors_are_robots():
    devices = [{dated.act.device for dated in life if dated.act.device} for life in history(7, DAY)]
    assert any(len(used) > 1 for used in devices)
    assert any(device.automated for used in devices for device in used)


def test_visitors_are_stored_without_a_mistake_and_a_restart_repeats_only_duplicates(place):
    began = datetime.now(UTC).date()
    with Demo(place, "--seed", "7", "--visitors-per-minute", "1000") as demo:
        first = demo.until_told()
        assert set(first) == {"accepted"}
        past = "SELECT count(*) FROM events WHERE occurred_at < date_trunc('day', now(), 'UTC')"
        present = "SELECT count(*) FROM events WHERE occurred_at >= date_trunc('day', now(), 'UTC')"
        assert demo.ask(past) == [(first["accepted"],)]
        assert {kind for (kind,) in demo.ask("SELECT DISTINCT type FROM events")} == KINDS
        deadline = time.monotonic() + PATIENCE_SECONDS
        while demo.ask(present)[0][0] < 20:
            assert time.monotonic() < deadline, "nobody came"
            time.sleep(0.1)
        demo.stop()
        demo.start()
        again = demo.until_told(times=2)
        assert demo.ask("SELECT count(*) FROM quarantine") == [(0,)]
        if datetime.now(UTC).date() != began:
            pytest.skip("midnight passed, and with it the past has grown by a day")
        assert again == {"duplicate": first["accepted"]}
        assert demo.ask(past) == [(first["accepted"],)]


def test_people_who_came_back_on_other_devices_are_one_customer(place):
    with Demo(place, "--seed", "7", "--visitors-per-minute", "0.001") as demo:
        demo.until_told()
        today = datetime.now(UTC).date()
        # Somebody who has nothing more to do: yesterday's midnight is behind all of it.
        whole = (life for ago in range(1, DAYS) for life in lives(7, today - timedelta(days=ago)))
        life = next(life for life in whole if life[-1].at.date() < today and len(devices_signed_in(life)) > 1)
        identity = next(dated.act.identity for dated in life if dated.act.identity)
        customer = demo.json("customer", "show", identity)
        assert set(customer["tracking_ids"]) == {device.proposed_id for device in devices_signed_in(life)}


def test_every_month_of_a_year_is_about_as_busy_as_the_others():
    """Whoever compares two ranges of the demo sees a shop, not the begin of the demo."""
    past = history(3, DAY, 250)
    orders = Counter(
        dated.at.strftime("%Y-%m") for life in past for dated in life if dated.act.type == "order"
    )
    # Of the first month people have not had the time to come back, and the last has only a day.
    whole = sorted(orders.items())[2:-1]
    mean = sum(number for _, number in whole) / len(whole)
    assert all(0.6 * mean < number < 1.6 * mean for _, number in whole), whole


def test_the_past_has_campaigns_codes_and_customers_who_order_again():
    acts = [[dated.act for dated in life] for life in history(3, DAY, 120)]
    orders = [[act for act in life if act.type == "order"] for life in acts]
    assert sum(len(life) > 1 for life in orders) > 20
    codes = {row["code"] for life in orders for act in life for row in act.properties.get("discounts", ())}
    assert len(codes) == 3
    campaigns = {
        act.context.get("utm_campaign") for life in acts for act in life if act.type == "product_view"
    }
    assert len(campaigns) > 3


def test_no_visitors_means_an_empty_store(place):
    with Demo(place, "--visitors-per-minute", "0") as demo:
        assert demo.ready["demo_address"] == demo.ready["http_address"] + "/demo/"
        assert demo.ask("SELECT count(*) FROM events") == [(0,)]


@pytest.mark.parametrize("flags", [("--visitors-per-minute", "-1"), ("--seed", "x")])
def test_numbers_that_cannot_be_used_are_wrong_usage(flags):
    done = run("demo", *flags)
    assert done.returncode == 2
    assert flags[0] in done.stderr
