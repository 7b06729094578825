"""Alerts: when a number is an incident, and that each incident is told once."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shopalytic.v1 import notifications_pb2 as pb
from shopalytic_server.domain.errors import InvalidRequest, NotFound, Overloaded
from shops.notified_shop import Desk
from shops.report_shop import event, order, page
from standins.receivers import Hook

# A Tuesday.
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
OWNER = pb.Recipients(emails=["owner@shop.test"])
MINUTE, HOUR, DAY, WEEK = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1), timedelta(weeks=1)


async def set_alert(desk: Desk, **fields: Any) -> pb.Alert:
    wanted = pb.Alert(**{"name": "silence", "recipients": OWNER, **fields})
    answer: pb.SetAlertResponse = await desk.ask(pb.SetAlertRequest(alert=wanted))
    return answer.alert


async def watch_for_silence(desk: Desk, **fields: Any) -> pb.Alert:
    return await set_alert(desk, report="sales", number="orders", hours=3, below="1", **fields)


async def incidents(desk: Desk) -> list[tuple[str, str]]:
    [alert] = (await desk.ask(pb.ListAlertsRequest())).alerts
    return [(each.value, each.number) for each in alert.incidents]


async def test_an_incident_is_told_once_until_it_is_over(desk: Desk) -> None:
    desk.now = NOON
    await desk.shop.send(order("1", at=NOON - HOUR, tracking_id="v1"))
    await watch_for_silence(desk)

    await desk.round_at(NOON + MINUTE)
    assert desk.mailbox.letters == []

    for minutes in (130, 140, 150, 160):
        await desk.round_at(NOON + minutes * MINUTE)
    [letter] = desk.mailbox.letters
    assert letter["subject"] == "shop, silence: orders (sales) of the last 3 hours: 0, less than 1."
    assert await incidents(desk) == [("", "0")]

    await desk.shop.send(order("2", at=NOON + 165 * MINUTE, tracking_id="v1"))
    await desk.round_at(NOON + 170 * MINUTE)
    assert await incidents(desk) == []

    await desk.round_at(NOON + 170 * MINUTE + 3 * HOUR)
    assert len(desk.mailbox.letters) == 2


async def test_two_servers_and_a_killed_round_tell_it_once(desk: Desk) -> None:
    desk.now = NOON
    await watch_for_silence(desk)
    other = replace(desk)

    await asyncio.gather(*(each.round_at(NOON + MINUTE) for each in (desk, other, desk)))
    interrupted = asyncio.ensure_future(desk.round_at(NOON + HOUR))
    await asyncio.sleep(0)
    interrupted.cancel()
    await asyncio.wait([interrupted])
    await desk.round_at(NOON + 2 * HOUR)

    assert len(desk.mailbox.letters) == 1


@pytest.mark.parametrize(
    ("moment", "judged"),
    [
        (NOON, True),
        (NOON.replace(hour=10), False),
        (NOON.replace(hour=21), False),
        # A Sunday.
        (NOON.replace(day=15), False),
    ],
)
async def test_hours_are_judged_only_within_those_of_the_shop(
    desk: Desk, moment: datetime, judged: bool
) -> None:
    desk.now = moment
    hours = pb.ShopHours(first_weekday=1, last_weekday=6, from_hour=9, to_hour=20)
    await watch_for_silence(desk, shop_hours=hours)

    await desk.round_at(moment)

    assert len(desk.mailbox.letters) == int(judged)


async def test_a_number_far_under_the_median_of_the_same_weekday(desk: Desk) -> None:
    yesterday = NOON - DAY
    await desk.shop.send(
        *(order(f"w{week}", "100.00", at=yesterday - week * WEEK, tracking_id="v") for week in range(1, 9)),
        # Another weekday says nothing.
        *(order(f"d{day}", "1.00", at=yesterday - day * DAY, tracking_id="v") for day in range(1, 6)),
        order("now", "61.00", at=yesterday, tracking_id="v"),
    )
    desk.now = NOON
    fields = {"report": "sales", "number": "net_sales", "days": 1}
    await set_alert(desk, name="slump", percent_under_median=40, **fields)

    await desk.round_at(NOON)
    assert desk.mailbox.letters == []

    await set_alert(desk, name="slump", percent_under_median=39, **fields)
    await desk.round_at(NOON + MINUTE)
    [letter] = desk.mailbox.letters
    assert letter["subject"].endswith(
        "net sales (sales) of the last day: 61, 39 % under the median 100 of the weeks before."
    )


async def test_a_campaign_with_visits_and_no_order(desk: Desk, hook: Hook) -> None:
    def visit(visitor: str, campaign: str) -> Any:
        return page(visitor, at=NOON - DAY, context={"utm_campaign": campaign})

    await desk.shop.send(
        *(visit(f"a{number}", "spring") for number in range(3)),
        *(visit(f"b{number}", "autumn") for number in range(3)),
        visit("c", "small"),
        order("1", at=NOON - DAY + MINUTE, tracking_id="b0"),
    )
    desk.now = NOON
    alert = await set_alert(
        desk,
        name="campaigns",
        report="conversion",
        number="orders",
        days=7,
        below="1",
        by="utm_campaign",
        guard=pb.AlertGuard(number="sessions", at_least="3"),
        recipients=pb.Recipients(webhooks=[hook.url]),
    )
    assert alert.webhook_secret.startswith("whsec_")

    await desk.round_at(NOON)

    [told] = hook.contents()
    assert (told["kind"], told["name"], told["value"], told["amount"]) == (
        "alert",
        "campaigns",
        "spring",
        "0",
    )
    assert told["text"] == "spring: orders (conversion) of the last 7 days: 0, less than 1."
    assert [each.webhook_secret for each in (await desk.ask(pb.ListAlertsRequest())).alerts] == [""]


async def test_quarantine_that_grows(desk: Desk) -> None:
    bad = event("order", {"order_id": "1"}, at=NOON - HOUR, tracking_id="v1")
    items = [bad, event("order", {"order_id": "2"}, at=NOON - HOUR, tracking_id="v1")]
    from shopalytic.v1 import collector_pb2

    await desk.shop.send(
        *items, expected=[collector_pb2.EVENT_STATUS_QUARANTINED] * 2, arrival=NOON - 30 * MINUTE
    )
    desk.now = NOON
    await set_alert(desk, name="bad", report="quarantine", number="events", hours=1, above="1")

    await desk.round_at(NOON)

    [letter] = desk.mailbox.letters
    assert letter["subject"] == "shop, bad: events (quarantine) of the last hour: 2, more than 1."


async def test_a_test_says_what_each_finds_and_opens_nothing(desk: Desk, hook: Hook) -> None:
    desk.now = NOON
    await watch_for_silence(desk, recipients=pb.Recipients(webhooks=[hook.url]))

    answer = await desk.ask(pb.TestAlertsRequest())

    [test] = answer.tests
    assert test.finding == "orders (sales) of the last 3 hours: 0, less than 1."
    assert [each.number for each in test.incidents] == ["0"]
    assert answer.queued == 0
    assert await incidents(desk) == []

    answer = await desk.ask(pb.TestAlertsRequest(name="silence", send_test=True))
    assert answer.queued == 1
    await desk.round_at(NOON)
    assert [each["kind"] for each in hook.contents()] == ["alert", "test"] or [
        each["kind"] for each in hook.contents()
    ] == ["test", "alert"]
    with pytest.raises(NotFound, match="No alert is named 'other'"):
        await desk.ask(pb.TestAlertsRequest(name="other"))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"report": "weather"}, "alert.report: 'weather' cannot be watched; give one of sales"),
        ({"number": "profit"}, "alert.number: 'profit' is no number of this report; give one of orders"),
        ({"guard": pb.AlertGuard(number="visits", at_least="1")}, "alert.guard.number: 'visits' is no"),
        ({"report": "quarantine", "number": "events", "by": "country"}, "alert.by: must be empty"),
        ({"recipients": pb.Recipients()}, "alert.recipients: has no address"),
        ({"by": "colour"}, "colour"),
        (
            {"shop_hours": pb.ShopHours(from_hour=20, to_hour=9)},
            "alert.shop_hours.to_hour: must be later than from_hour",
        ),
    ],
)
async def test_an_alert_that_cannot_be_judged_is_refused_with_the_field(
    desk: Desk, fields: dict[str, Any], message: str
) -> None:
    given = {"report": "sales", "number": "orders", "hours": 3, "below": "1", **fields}

    with pytest.raises(InvalidRequest, match=message):
        await set_alert(desk, **given)


async def test_a_changed_alert_begins_anew_and_one_that_ended_is_silent(desk: Desk) -> None:
    desk.now = NOON
    await watch_for_silence(desk)
    await desk.round_at(NOON)
    await watch_for_silence(desk)
    assert await incidents(desk) == []
    await desk.round_at(NOON + MINUTE)
    assert len(desk.mailbox.letters) == 2

    await desk.ask(pb.DeleteAlertRequest(name="silence"))
    await desk.round_at(NOON + DAY)
    assert len(desk.mailbox.letters) == 2


async def test_a_value_that_sells_nothing_any_more_is_judged_too(desk: Desk) -> None:
    yesterday = NOON - DAY

    def visit(visitor: str, week: int) -> Any:
        at = yesterday - week * WEEK
        return page(f"{visitor}{week}", at=at, context={"utm_campaign": "spring"})

    await desk.shop.send(*(visit("a", week) for week in range(1, 9)))
    desk.now = NOON
    watched = {"report": "conversion", "number": "sessions", "days": 1, "by": "utm_campaign"}
    await set_alert(desk, name="gone", percent_under_median=50, **watched)

    await desk.round_at(NOON)

    assert await incidents(desk) == [("spring", "0")]


async def test_what_cannot_be_judged_keeps_nobody_else_waiting(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.now = NOON
    await set_alert(desk, name="a", report="traffic", number="sessions", hours=1, below="1")
    await set_alert(desk, name="b", report="conversion", number="orders", hours=1, below="1")
    await watch_for_silence(desk)
    ask = desk.judging.of
    failures: dict[str, Exception] = {"a": Overloaded("too much"), "b": ZeroDivisionError()}

    async def fail(project: Any, alert: pb.Alert, moment: datetime) -> Any:
        if alert.name in failures:
            raise failures[alert.name]
        return await ask(project, alert, moment)

    monkeypatch.setattr(desk.judging, "of", fail)
    await desk.round_at(NOON)
    assert [letter["subject"].split(":")[0] for letter in desk.mailbox.letters] == ["shop, silence"]

    failures.clear()
    await desk.round_at(NOON + 6 * MINUTE)
    assert len(desk.mailbox.letters) == 3
