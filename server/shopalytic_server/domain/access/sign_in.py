"""Signing in on the machine itself: addresses that work once, and the sessions that they begin.

Whoever can read the data directory's keys can make such an address; nothing has
to be asked or stored for it. An address and a session are the same thing in
form: the moment it was made, a random part, and a seal by the project's reports
key (HMAC, RFC 2104). So both end with the key.
"""

import base64
import hashlib
import hmac
from dataclasses import dataclass
from enum import Enum

ADDRESS_SECONDS = 600.0
SESSION_SECONDS = 7 * 24 * 3_600.0
RANDOM_BYTES = 12
_SEAL_BYTES = 16
_MILLIS_BYTES = 6
_BYTES = _MILLIS_BYTES + RANDOM_BYTES + _SEAL_BYTES


class Purpose(Enum):
    """What a pass is for. One of a kind is none of the other."""

    ADDRESS = b"shopalytic sign-in address\0"
    SESSION = b"shopalytic dashboard session\0"


@dataclass(frozen=True, slots=True)
class Pass:
    """What was sealed."""

    made_at: float
    """In Unix seconds."""
    random: bytes


def seal(reports_key: str, purpose: Purpose, now: float, random: bytes) -> str:
    """A pass as text for addresses and cookies. `random`: RANDOM_BYTES of it."""
    content = round(now * 1_000).to_bytes(_MILLIS_BYTES) + random
    return base64.urlsafe_b64encode(content + _mac(reports_key, purpose, content)).decode().rstrip("=")


def opened(reports_key: str, purpose: Purpose, text: str) -> Pass | None:
    """What a pass holds; None if it was not sealed with this key for this purpose, whatever its age."""
    if len(text) > 2 * _BYTES or not text.isascii():
        return None
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return None
    content, mac = data[:-_SEAL_BYTES], data[-_SEAL_BYTES:]
    if len(data) != _BYTES or not hmac.compare_digest(mac, _mac(reports_key, purpose, content)):
        return None
    return Pass(int.from_bytes(content[:_MILLIS_BYTES]) / 1_000, content[_MILLIS_BYTES:])


def sign_in_address(http_address: str, reports_key: str, now: float, random: bytes) -> str:
    """The dashboard's address that signs in once.

    The pass stands behind the #, which browsers send to no server, so that it is in nobody's log.
    """
    return f"{http_address}/#sign-in={seal(reports_key, Purpose.ADDRESS, now, random)}"


def _mac(reports_key: str, purpose: Purpose, content: bytes) -> bytes:
    return hmac.digest(reports_key.encode(), purpose.value + content, hashlib.sha256)[:_SEAL_BYTES]
