"""Where letters are handed over, and by which rules an address of that is read."""

from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import parse_qsl, unquote, urlsplit


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where letters are handed over."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    tls: bool
    """TLS from the start; else by STARTTLS."""
    plaintext: bool
    """Whether to send without TLS where the server has none."""

    @classmethod
    def of(cls, url: str) -> "MailServer":
        """Of "smtp://user:password@host:587", or "smtps://…" for TLS from the start; raises ValueError.

        Without TLS only mail servers of this machine are spoken to, unless "?starttls=off" says so.
        """
        parts = urlsplit(url)
        options = dict(parse_qsl(parts.query))
        if (
            parts.scheme not in ("smtp", "smtps")
            or not parts.hostname
            or parts.path not in ("", "/")
            or set(options) - {"starttls"}
            or options.get("starttls", "off") != "off"
        ):
            raise ValueError("give an address such as smtp://user:password@mail.example.com:587")
        tls = parts.scheme == "smtps"
        return cls(
            host=parts.hostname,
            port=parts.port or (465 if tls else 587),
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            tls=tls,
            plaintext="starttls" in options or _is_of_this_machine(parts.hostname),
        )


def _is_of_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
