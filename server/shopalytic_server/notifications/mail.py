"""Sends letters through a mail server (SMTP), each to one person."""

import asyncio
import ssl
from collections.abc import Callable
from email.message import EmailMessage
from email.utils import formatdate

import aiosmtplib

from shopalytic_server.domain.notifications.mail_server import MailServer

SECONDS = 30.0


class NotTaken(Exception):
    """The other side did not take a notification; the text says why, in our words."""

    def __init__(self, why: str, *, for_good: bool = False) -> None:
        """`for_good`: it is of no use to try again."""
        super().__init__(why)
        self.for_good = for_good


class Mail:
    """Hands letters to a mail server."""

    def __init__(
        self,
        server: MailServer,
        sender: str,
        context: Callable[[], ssl.SSLContext] = ssl.create_default_context,
    ) -> None:
        """`sender` is the address that letters come from."""
        self._server = server
        self._sender = sender
        self._context = context

    async def send(self, message_id: str, recipient: str, subject: str, text: str, html: str) -> None:
        """Hands one letter over; raises NotTaken.

        `message_id` is the same at each attempt, so that a reader of mail may drop a second one.
        """
        letter = EmailMessage()
        letter["From"] = self._sender
        try:
            letter["To"] = recipient
        except Exception:  # noqa: BLE001 - see below
            # The library has no error of its own for what is no address.
            raise NotTaken("The address cannot stand in a letter.", for_good=True) from None
        letter["Subject"] = subject
        letter["Date"] = formatdate(usegmt=True)
        letter["Message-ID"] = f"<{message_id}@{self._sender.rpartition('@')[2]}>"
        # So that no holiday answer comes back: https://www.rfc-editor.org/rfc/rfc3834
        letter["Auto-Submitted"] = "auto-generated"
        letter.set_content(text)
        if html:
            letter.add_alternative(html, subtype="html")
        try:
            async with asyncio.timeout(SECONDS), self._connection() as connection:
                await connection.send_message(letter, sender=self._sender, recipients=[recipient])
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            raise self._not_taken(error) from None

    def _connection(self) -> aiosmtplib.SMTP:
        server = self._server
        return aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            username=server.user or None,
            password=server.password or None,
            use_tls=server.tls,
            # None: where the server offers it.
            start_tls=False if server.tls else None if server.plaintext else True,
            tls_context=None if server.plaintext and not server.tls else self._context(),
            timeout=SECONDS,
        )

    def _not_taken(self, error: Exception) -> NotTaken:
        """Why, in our words."""
        if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
            code = error.recipients[0].code
            return NotTaken(f"The mail server refused the address ({code}).", for_good=code >= 500)
        if isinstance(error, aiosmtplib.SMTPAuthenticationError):
            return NotTaken(f"The mail server refused user or password ({error.code}).")
        if isinstance(error, aiosmtplib.SMTPNotSupported):
            return NotTaken(
                "The mail server cannot do what the letter needs: sign-in, or addresses beyond ASCII."
            )
        if isinstance(error, TimeoutError | aiosmtplib.SMTPTimeoutError):
            return NotTaken("The mail server did not answer in time.")
        causes = (error, error.__cause__, error.__context__)
        if any(isinstance(each, ssl.SSLCertVerificationError) for each in causes):
            return NotTaken("The mail server's certificate is not one that this machine trusts.")
        if any(isinstance(each, ssl.SSLError) for each in causes):
            return NotTaken("The mail server does not speak TLS at this port.")
        if "STARTTLS" in str(error):
            return NotTaken(
                "The mail server offers no TLS, and without it nothing is sent to another machine."
            )
        if isinstance(error, aiosmtplib.SMTPConnectError | OSError):
            return NotTaken("The mail server cannot be reached.")
        if isinstance(error, aiosmtplib.SMTPResponseException):
            return NotTaken(f"The mail server refused the letter ({error.code}).")
        return NotTaken("The mail server ended the conversation.")
