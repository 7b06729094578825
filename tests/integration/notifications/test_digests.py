"""Digests: when they come, what they say, and that none is lost or sent twice."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shopalytic.v1 import dimensions_pb2
from shopalytic.v1 import notifications_pb2 as pb
from shopalytic_server.domain.errors import InvalidRequest, NotFound
from shops.notified_shop import Desk
from shops.report_shop import order, page, refund
from standins.receivers import Hook

MONDAY = datetime(2026, 3, 9, 7, tzinfo=UTC)
WEEK = timedelta(weeks=1)


def weekly(**fields: Any) -> pb.Digest:
    recipients = fields.pop("recipients", pb.Recipients(emails=["owner@shop.test"]))
    return pb.Digest(name=fields.pop("name", "monday"), recipients=recipients, **fields)


async def set_digest(desk: Desk, digest: pb.Digest) -> pb.Digest:
    answer: pb.SetDigestResponse = await desk.ask(pb.SetDigestRequest(digest=digest))
    return answer.digest


async def trade(desk: Desk) -> None:
    """Two weeks: 40 and 10 before, then 90 of which 20 come back."""
    await desk.shop.send(
        page("v1", at=MONDAY - WEEK - timedelta(days=2)),
        order("1", "40.00", at=MONDAY - WEEK - timedelta(days=2), tracking_id="v1"),
        order("2", "10.00", at=MONDAY - WEEK - timedelta(days=1), tracking_id="v2"),
        page("v1", at=MONDAY - timedelta(days=2, minutes=5)),
        order("3", "90.00", at=MONDAY - timedelta(days=2), tracking_id="v1"),
        refund("3", "20.00", at=MONDAY - timedelta(days=1), tracking_id="v1"),
    )


async def test_the_weekly_letter_comes_on_monday_with_the_week_before(desk: Desk) -> None:
    await trade(desk)
    digest = await set_digest(desk, weekly())
    assert digest.next_at.ToDatetime(UTC) == MONDAY

    await desk.round_at(MONDAY - timedelta(seconds=1))
    assert desk.mailbox.letters == []
    await desk.round_at(MONDAY)

    [letter] = desk.mailbox.letters
    assert letter["to"] == "owner@shop.test"
    assert letter["from"] == "analytics@shop.test"
    assert letter["subject"].startswith("shop, Monday 2 to Sunday 8 March 2026: net sales ")
    text = letter.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    lines = {line.partition("   ")[0].strip(): line for line in text.splitlines()}
    assert lines["Orders"] == "Orders            1   (-50 % on the period before)"
    assert "90.00 EUR   (+260 % on the period before)" in lines["Average order"]
    assert "https://analytics.shop.test" in text
    assert "Monday 23 February to Sunday 1 March 2026" in text
    [digest] = (await desk.ask(pb.ListDigestsRequest())).digests
    assert digest.next_at.ToDatetime(UTC) == MONDAY + WEEK
    assert digest.sent_at.ToDatetime(UTC) == MONDAY
    assert digest.webhook_secret == ""


async def test_the_numbers_are_those_of_the_reports(desk: Desk) -> None:
    await trade(desk)
    [report] = await desk.shop.sales(
        MONDAY - WEEK - timedelta(hours=7), MONDAY - timedelta(hours=7), currency="EUR"
    )
    await set_digest(desk, weekly())
    desk.now = MONDAY

    shown = await desk.ask(pb.SendDigestRequest(name="monday", dry_run=True))

    assert f"Net sales         {float(report.total.net_sales):,.2f} EUR" in shown.text
    assert f"Returns           {float(report.total.returns):,.2f} EUR" in shown.text
    assert shown.queued == 0
    assert desk.mailbox.letters == []
    assert await desk.listed() == []


async def test_a_digest_in_the_time_zone_of_the_project(desk: Desk) -> None:
    desk.shop = desk.shop.in_zone("America/New_York")

    digest = await set_digest(desk, weekly(hour=8))

    assert digest.next_at.ToDatetime(UTC) == datetime(2026, 3, 9, 12, tzinfo=UTC)


async def test_of_missed_digests_only_the_last_is_sent(desk: Desk) -> None:
    await set_digest(desk, weekly(period=pb.DIGEST_PERIOD_DAILY))

    await desk.round_at(MONDAY + timedelta(days=3, hours=1))

    [letter] = desk.mailbox.letters
    assert "Wednesday 11 March 2026" in letter["subject"]
    await desk.round_at(MONDAY + timedelta(days=4))
    assert len(desk.mailbox.letters) == 2


async def test_two_servers_send_one_letter(desk: Desk) -> None:
    await set_digest(desk, weekly())
    other = replace(desk)

    await asyncio.gather(*(each.round_at(MONDAY) for each in (desk, other, desk, other)))
    await desk.round_at(MONDAY)

    assert len(desk.mailbox.letters) == 1


async def test_a_letter_waits_for_a_mail_server_that_is_away(desk: Desk) -> None:
    await set_digest(desk, weekly())
    desk.mailbox.answer = "451 later"

    await desk.round_at(MONDAY)
    [waiting] = await desk.listed()
    assert waiting.state == pb.NOTIFICATION_STATE_WAITING
    assert waiting.failure == "The mail server refused the address (451)."

    desk.mailbox.answer = "250 OK"
    await desk.round_at(MONDAY + timedelta(seconds=10))
    assert desk.mailbox.letters == []
    await desk.round_at(MONDAY + timedelta(minutes=1))
    assert len(desk.mailbox.letters) == 1
    [sent] = await desk.listed()
    assert (sent.state, sent.attempts, sent.failure) == (pb.NOTIFICATION_STATE_SENT, 2, "")


async def test_an_address_that_is_refused_for_good_keeps_nobody_else_waiting(desk: Desk, hook: Hook) -> None:
    await set_digest(desk, weekly(recipients=pb.Recipients(emails=["gone@shop.test"], webhooks=[hook.url])))
    desk.mailbox.answer = "550 no such user"

    await desk.round_at(MONDAY)

    assert len(hook.posted) == 1
    states = {each.recipient: each.state for each in await desk.listed()}
    assert states == {
        "gone@shop.test": pb.NOTIFICATION_STATE_FAILED,
        hook.url: pb.NOTIFICATION_STATE_SENT,
    }


async def test_after_three_days_a_letter_is_given_up(desk: Desk) -> None:
    await set_digest(desk, weekly())
    desk.mailbox.answer = "451 later"
    for hours in range(70):
        await desk.round_at(MONDAY + timedelta(hours=hours, minutes=hours))
    [waiting] = await desk.listed()
    assert (waiting.state, waiting.attempts) == (pb.NOTIFICATION_STATE_WAITING, 70)

    await desk.round_at(MONDAY + timedelta(days=3, hours=2))

    [failed] = await desk.listed()
    assert failed.state == pb.NOTIFICATION_STATE_FAILED
    # What is done with is forgotten after a month.
    await desk.round_at(MONDAY + timedelta(days=31))
    assert "Monday 9" not in [each.subject for each in await desk.listed()]


async def test_a_digest_of_a_part_of_the_shop(desk: Desk) -> None:
    await trade(desk)
    german = dimensions_pb2.Filter(
        dimension="country", operator=dimensions_pb2.FILTER_OPERATOR_IS, values=["DEU"]
    )
    await set_digest(desk, weekly(filters=[german]))

    await desk.round_at(MONDAY)

    [letter] = desk.mailbox.letters
    assert "net sales 0.00 EUR" in letter["subject"]


async def test_a_digest_that_no_report_can_answer_is_refused_when_it_is_set(desk: Desk) -> None:
    wrong = dimensions_pb2.Filter(
        dimension="colour", operator=dimensions_pb2.FILTER_OPERATOR_IS, values=["red"]
    )

    with pytest.raises(InvalidRequest, match="colour"):
        await set_digest(desk, weekly(filters=[wrong]))
    with pytest.raises(InvalidRequest, match=r"digest.recipients: has no address"):
        await set_digest(desk, weekly(recipients=pb.Recipients()))
    assert (await desk.ask(pb.ListDigestsRequest())).digests == []


async def test_a_digest_that_has_ended_sends_nothing_and_is_not_found(desk: Desk) -> None:
    await set_digest(desk, weekly())
    await desk.ask(pb.DeleteDigestRequest(name="monday"))

    await desk.round_at(MONDAY)

    assert desk.mailbox.letters == []
    with pytest.raises(NotFound, match="No digest is named 'monday'"):
        await desk.ask(pb.SendDigestRequest(name="monday"))


async def test_sending_now_leaves_the_usual_time_as_it_is(desk: Desk) -> None:
    await set_digest(desk, weekly())

    answer = await desk.ask(pb.SendDigestRequest(name="monday"))
    assert answer.queued == 1
    await desk.round_at(desk.now)

    assert len(desk.mailbox.letters) == 1
    [digest] = (await desk.ask(pb.ListDigestsRequest())).digests
    assert digest.next_at.ToDatetime(UTC) == MONDAY
    with pytest.raises(InvalidRequest, match="names no digest"):
        await desk.ask(pb.SendDigestRequest())
    assert "Net sales" in (await desk.ask(pb.SendDigestRequest(dry_run=True))).text


async def test_the_list_of_what_was_sent_has_pages(desk: Desk) -> None:
    await set_digest(desk, weekly())
    for _ in range(5):
        await desk.ask(pb.SendDigestRequest(name="monday"))

    first = await desk.ask(pb.ListNotificationsRequest(page_size=3))
    second = await desk.ask(pb.ListNotificationsRequest(page_size=3, page_token=first.next_page_token))

    assert (len(first.notifications), len(second.notifications)) == (3, 2)
    assert second.next_page_token == ""
    with pytest.raises(InvalidRequest, match="page_token"):
        await desk.ask(pb.ListNotificationsRequest(page_token="invented"))
