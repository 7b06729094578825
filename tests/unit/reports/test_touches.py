"""Where a session came from."""

from datetime import UTC, datetime, timedelta

import pytest

from shopalytic_server.domain.reports.touches import View, host_of, referrer_host, session_start

START = datetime(2026, 3, 1, tzinfo=UTC)


def view(url: str = "https://shop.test/", referrer: str = "", minute: float = 0, **context: str) -> View:
    return View(START + timedelta(minutes=minute), url, referrer, context)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://www.Shop.test:8443/a?b#c", "shop.test"),
        ("//shop.test/a", "shop.test"),
        ("https://me:secret@mail.example/", "mail.example"),
        ("android-app://com.example.reader/", "com.example.reader"),
        ("no address", ""),
        ("https://[broken/", ""),
        ("", ""),
    ],
)
def test_a_host_is_read_from_whatever_was_sent(url, host):
    assert host_of(url) == host


def test_a_page_of_the_shop_itself_is_no_referrer():
    assert referrer_host(view(referrer="https://www.shop.test/before"), ()) == ""
    assert referrer_host(view(referrer="https://pay.shop.test/"), {"pay.shop.test"}) == ""
    assert referrer_host(view(referrer="https://news.example/x"), {"pay.shop.test"}) == "news.example"


def test_a_campaign_is_what_the_sender_says_or_else_the_address():
    said = view("https://shop.test/?utm_source=a%2Bb&utm_medium=e+mail&utm_source=second#?utm_campaign=x")
    assert [said.campaign(name) for name in ("utm_source", "utm_medium", "utm_campaign")] == [
        "a+b",
        "e mail",
        "",
    ]
    assert view("https://shop.test/?utm_source=a", utm_source="letter").campaign("utm_source") == "letter"
    assert view("https://shop.test/?utm_source=%ff").campaign("utm_source") == "\N{REPLACEMENT CHARACTER}"


def test_a_session_begins_after_more_than_half_an_hour():
    minutes = [100, 70, 39.9, 0]
    assert session_start([view(minute=minute) for minute in minutes]) == 1
    assert session_start([view(minute=minute) for minute in minutes[:2]]) is None
    assert session_start([view()]) is None
