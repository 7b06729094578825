"""Sends letters through a mail server (SMTP), each to one person."""

import smtplib
import ssl
from collections.abc import Callable
from email.message import EmailMessage
from email.utils import formatdate

from shopalytic_server.domain.notifications.mail_server import MailServer

SECONDS = 30.0


class NotTaken(Exception):
    """The other side did not take a notification; the text says why, in our words."""

    def __init__(self, why: str, *, for_good: bool = False) -> None:
        """`for_good`: it is of no use to try again."""
        super().__init__(why)
        self.for_good = for_good


class Mail:
    """Hands letters to a mail server. It waits for that server, so call it in a thread."""

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

    def send(self, message_id: str, recipient: str, subject: str, text: str, html: str) -> None:
        """Hands one letter over; raises NotTaken.

        `message_id` is the same at each attempt, so that a reader of mail may drop a second one.
        """
        letter = EmailMessage()
        letter["From"] = self._sender
        letter["To"] = recipient
        letter["Subject"] = subject
        letter["Date"] = formatdate(usegmt=True)
        letter["Message-ID"] = f"<{message_id}@{self._sender.rpartition('@')[2]}>"
        # So that no holiday answer comes back: https://www.rfc-editor.org/rfc/rfc3834
        letter["Auto-Submitted"] = "auto-generated"
        letter.set_content(text)
        if html:
            letter.add_alternative(html, subtype="html")
        try:
            with self._connected() as connection:
                connection.send_message(letter, self._sender, [recipient])
        except smtplib.SMTPRecipientsRefused as error:
            code = next(iter(error.recipients.values()))[0]
            raise NotTaken(f"The mail server refused the address ({code}).", for_good=code >= 500) from None
        except smtplib.SMTPAuthenticationError as error:
            raise NotTaken(f"The mail server refused user or password ({error.smtp_code}).") from None
        except smtplib.SMTPResponseException as error:
            raise NotTaken(f"The mail server refused the letter ({error.smtp_code}).") from None
        except smtplib.SMTPNotSupportedError:
            raise NotTaken(
                "The mail server cannot do what the letter needs: sign-in, or addresses beyond ASCII."
            ) from None
        except smtplib.SMTPException:
            raise NotTaken("The mail server ended the conversation.") from None
        except ssl.SSLCertVerificationError:
            raise NotTaken("The mail server's certificate is not one that this machine trusts.") from None
        except ssl.SSLError:
            raise NotTaken("The mail server does not speak TLS at this port.") from None
        except OSError:
            raise NotTaken("The mail server cannot be reached.") from None

    def _connected(self) -> smtplib.SMTP:
        server = self._server
        if server.tls:
            connection: smtplib.SMTP = smtplib.SMTP_SSL(
                server.host, server.port, timeout=SECONDS, context=self._context()
            )
        else:
            connection = smtplib.SMTP(server.host, server.port, timeout=SECONDS)
        try:
            self._introduce(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _introduce(self, connection: smtplib.SMTP) -> None:
        server = self._server
        connection.ehlo()
        if not server.tls and connection.has_extn("starttls"):
            connection.starttls(context=self._context())
            connection.ehlo()
        elif not server.tls and not server.plaintext:
            raise NotTaken(
                "The mail server offers no TLS, and without it nothing is sent to another machine."
            )
        if server.user:
            connection.login(server.user, server.password)
