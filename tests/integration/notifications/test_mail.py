"""Letters over real SMTP: with TLS, without, and at servers that will not have them."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult

from running.certificates import Pair, make_pair
from shopalytic_server.domain.notifications.mail_server import MailServer
from shopalytic_server.notifications import mail
from shopalytic_server.notifications.mail import Mail, NotTaken
from standins.receivers import Mailbox

SENDER = "analytics@shop.test"


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return make_pair(tmp_path, "mail")


def offering(pair: Pair) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)
    return context


@asynccontextmanager
async def listening(
    box: Mailbox, *, from_start: ssl.SSLContext | None = None, **options: Any
) -> AsyncIterator[int]:
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(box, **options), "127.0.0.1", 0, ssl=from_start
    )
    yield server.sockets[0].getsockname()[1]
    server.close()


def far(port: int, **fields: Any) -> MailServer:
    """A mail server that counts as one of another machine."""
    given = {"user": "", "password": "", "tls": False, "plaintext": False, **fields}
    return MailServer("127.0.0.1", port, **given)


async def send(server: MailServer, recipient: str = "owner@shop.test", trusted: Pair | None = None) -> None:
    def context() -> ssl.SSLContext:
        return ssl.create_default_context(cafile=trusted.certificate if trusted else None)

    await Mail(server, SENDER, context).send("1", recipient, "Grüße", "Größe\n", "<p>Größe</p>")


async def test_a_letter_goes_over_starttls(pair: Pair) -> None:
    box = Mailbox()
    async with listening(box, tls_context=offering(pair), require_starttls=True) as port:
        await send(far(port), trusted=pair)

    [letter] = box.letters
    assert letter["subject"] == "Grüße"
    assert letter["message-id"] == "<1@shop.test>"
    assert letter["auto-submitted"] == "auto-generated"


async def test_a_letter_goes_over_tls_from_the_start(pair: Pair) -> None:
    box = Mailbox()
    async with listening(box, from_start=offering(pair)) as port:
        await send(far(port, tls=True), trusted=pair)

    assert len(box.letters) == 1


async def test_whoever_has_to_sign_in_does(pair: Pair) -> None:
    def authenticate(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
        is_right = (data.login, data.password) == (b"shop", b"p/w")
        return AuthResult(success=is_right, handled=is_right)

    box = Mailbox()
    options = {"tls_context": offering(pair), "authenticator": authenticate, "auth_required": True}
    async with listening(box, **options) as port:
        await send(far(port, user="shop", password="p/w"), trusted=pair)
        with pytest.raises(NotTaken, match=r"refused user or password \(535\)"):
            await send(far(port, user="shop", password="wrong"), trusted=pair)

    assert len(box.letters) == 1


async def test_without_tls_nothing_goes_to_another_machine(pair: Pair) -> None:
    box = Mailbox()
    async with listening(box) as port:
        with pytest.raises(NotTaken, match="offers no TLS"):
            await send(far(port))
        with pytest.raises(NotTaken, match="does not speak TLS at this port"):
            await send(far(port, tls=True))
    async with listening(box, tls_context=offering(pair)) as port:
        with pytest.raises(NotTaken, match="not one that this machine trusts"):
            await send(far(port))
    async with listening(box, from_start=offering(pair)) as port:
        with pytest.raises(NotTaken, match="not one that this machine trusts"):
            await send(far(port, tls=True))

    assert box.letters == []


async def test_a_silent_server_and_none_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail, "SECONDS", 0.2)

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        await writer.wait_closed()

    silent = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]

    with pytest.raises(NotTaken, match="did not answer in time"):
        await send(far(port, plaintext=True))
    silent.close()
    await silent.wait_closed()
    with pytest.raises(NotTaken, match="cannot be reached"):
        await send(far(9, plaintext=True))


@pytest.mark.parametrize("recipient", ["ü@shop.test", "a@[", "a..b@shop.test", "(@shop.test", "a@b"])
async def test_an_odd_address_is_taken_or_told_about(recipient: str) -> None:
    box = Mailbox()
    async with listening(box) as port:
        try:
            await send(far(port, plaintext=True), recipient)
        except NotTaken as error:
            assert str(error).startswith(("The mail server", "The address"))  # noqa: PT017 - either will do
        else:
            assert len(box.letters) == 1
