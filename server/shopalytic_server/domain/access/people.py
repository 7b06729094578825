"""People of a project: their roles, and how sessions and links are made and how long they last."""

import base64
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from shopalytic_server.domain.formats.plain_forms import plain_form

LONGEST_SESSION = timedelta(days=7)
"""A session ends after this, however much it is used."""
LONGEST_PAUSE = timedelta(hours=24)
"""A session ends when it was not used for this long."""
INVITATION_LASTS = timedelta(hours=72)
"""How long a link to choose the first password works."""
RESET_LASTS = timedelta(hours=24)
"""How long a link to choose another password works."""
MOST_SESSIONS = 20
"""Sessions of one person; one more ends the oldest."""
MOST_USERS = 1_000
"""People of one project."""
SHORTEST_PASSWORD = 12
LONGEST_PASSWORD = 200

_TOKEN_BYTES = 32
_SESSION = "shop_session_"


class Role(StrEnum):
    """What a person may do."""

    OWNER = "owner"
    ANALYST = "analyst"
    SUPPORT = "support"
    VIEWER = "viewer"


@dataclass(frozen=True, slots=True)
class Person:
    """Whose session a call came with."""

    user_id: UUID
    email: str
    role: Role


@dataclass(frozen=True, slots=True)
class User:
    """A person who may sign in."""

    user_id: UUID
    project_id: int
    email: str
    role: Role
    created_at: datetime
    last_seen_at: datetime | None = None
    ended_at: datetime | None = None
    has_password: bool = False


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who has signed in."""

    session_id: UUID
    email: str
    user_agent: str
    created_at: datetime
    last_seen_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class PasswordHash:
    """What a password is compared with."""

    user: User
    project: str
    hash: str


def session_token(random: bytes) -> str:
    """What names a session to whoever has it; made of 32 random bytes."""
    return _SESSION + _text(random)


def is_session_token(text: str) -> bool:
    """Whether a text begins as what names a session."""
    return text.startswith(_SESSION)


def link_token(random: bytes) -> str:
    """What a link by which a password is chosen holds; made of 32 random bytes."""
    return _text(random)


def plain_email(text: str) -> str:
    """An e-mail address as it is kept: without space around it, in small letters."""
    return plain_form(text.strip()).lower()


def password_text(text: str) -> str:
    """A password as it is hashed: keyboards write one letter in several ways (RFC 8265)."""
    return unicodedata.normalize("NFC", text)


def password_fault(password: str, email: str) -> str:
    """What is wrong with a new password; "" if nothing is."""
    length = len(password)
    if not SHORTEST_PASSWORD <= length <= LONGEST_PASSWORD:
        return f"must have {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters; this has {length:,}"
    if plain_email(password) == email or len(set(password)) < 4:
        return "is too easy to guess; choose several words that nobody connects with you"
    return ""


def _text(random: bytes) -> str:
    if len(random) != _TOKEN_BYTES:
        raise ValueError(f"a token is made of {_TOKEN_BYTES} random bytes, not {len(random)}")
    return base64.urlsafe_b64encode(random).rstrip(b"=").decode()
