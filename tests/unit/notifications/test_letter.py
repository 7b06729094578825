"""What a digest says."""

from decimal import Decimal

import pytest

from shopalytic_server.domain.notifications.letter import Contents, Figure, Ranking, write
from shopalytic_server.domain.notifications.mail_server import MailServer

CONTENTS = Contents(
    shop="Tea & Co",
    title="Monday 2 to Sunday 8 March 2026",
    before="Monday 23 February to Sunday 1 March 2026",
    last_year="Monday 3 to Sunday 9 March 2025",
    figures=[
        Figure("Net sales", Decimal("1234.5"), Decimal("1000"), None, "EUR"),
        Figure("Conversion rate", Decimal("2.5"), Decimal("3.1"), Decimal("2"), "%"),
        Figure("Orders", Decimal(31), Decimal(0), Decimal(62)),
    ],
    rankings=[Ranking("Products", [("<script>alert(1)</script>\nBcc: all@shop.example", "3 sold")])],
    notes=["2 events wait in quarantine."],
    address="https://analytics.shop.example",
)


def test_a_letter_says_each_number_with_what_it_was() -> None:
    letter = write(CONTENTS)

    lines = letter.text.splitlines()
    assert "Net sales         1,234.50 EUR   (+23 % on the period before)" in lines
    assert "Conversion rate   2.5 %   (-0.6 points on the period before, +0.5 points on last year)" in lines
    # Nothing is so many percent of nothing.
    assert "Orders            31   (-50 % on last year)" in lines
    assert "2 events wait in quarantine." in lines
    assert letter.subject == "Tea & Co, Monday 2 to Sunday 8 March 2026: net sales 1,234.50 EUR (+23 %)"


def test_what_comes_from_the_shop_is_no_markup_and_no_line() -> None:
    letter = write(CONTENTS)

    assert "<script>" not in letter.html
    assert "Tea &amp; Co" in letter.html
    assert "  <script>alert(1)</script> Bcc: all@shop.example: 3 sold" in letter.text.splitlines()


@pytest.mark.parametrize(
    "url",
    [
        "mail.example:587",
        "http://mail.example",
        "smtp://",
        "smtp://mail.example/path",
        "smtp://h?starttls=on",
    ],
)
def test_an_address_that_is_no_mail_server_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="smtp://user:password"):
        MailServer.of(url)


def test_a_mail_server_is_spoken_to_without_tls_only_where_that_is_said_or_on_this_machine() -> None:
    assert not MailServer.of("smtp://mail.example").plaintext
    assert MailServer.of("smtp://mail.example?starttls=off").plaintext
    assert MailServer.of("smtp://127.0.0.1:25").plaintext
    assert MailServer.of("smtps://us%40er:p%2Fw@mail.example") == MailServer(
        "mail.example", 465, "us@er", "p/w", tls=True, plaintext=False
    )
    assert "p/w" not in repr(MailServer.of("smtps://user:p%2Fw@mail.example"))
