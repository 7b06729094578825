"""Which calls the audit log tells of, and about whom each is.

Looking a customer up, exporting and erasing one, and what changes keys, people and settings.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from shopalytic_server.domain.access.people import plain_email
from shopalytic_server.domain.formats.plain_forms import plain_form

KEPT_FOR = timedelta(days=400)
"""Entries that are older are removed."""

_LONGEST = 254

ERASED = "(erased)"
"""What stands in place of a customer who was erased."""

LOOKING = frozenset(
    {"GetCustomer", "ListCustomers", "ListCustomerOrders", "ListCustomerEvents", "ListEvents"}
)
"""Those of which a repetition within a short time is no news."""

CUSTOMERS = LOOKING | {"ExportCustomer", "EraseCustomer"}
"""Those that are about a customer, or about all."""

_KEYS = frozenset({"CreateKey", "RevokeKey", "RotateKey"})
_SETTINGS = frozenset({"CreateProject", "UpdateProject", "RotateIdentitySecret"})
_PEOPLE = frozenset({"AddUser", "UpdateUser", "RemoveUser", "ResetPassword", "EndSessions"})

ACTIONS = CUSTOMERS | _KEYS | _SETTINGS | _PEOPLE
"""Names of calls. No two services have one of them alike."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that somebody did."""

    audit_id: UUID
    at: datetime
    actor: str
    action: str
    subject: str


def is_told(action: str, request: Any) -> bool:
    """Whether a call is told: further pages of one list are not."""
    return action in ACTIONS and not getattr(request, "page_token", "")


def subject_of(action: str, request: Any) -> str:
    """About whom or what a call is; "": about nobody in particular."""
    if action in CUSTOMERS:
        # A list may be of all customers.
        selector = getattr(request, "customer", None)
        if selector is None:
            return ""
        by = selector.WhichOneof("by")
        return plain_text(plain_form(getattr(selector, by))) if by else ""
    if action in _PEOPLE:
        return plain_text(plain_email(getattr(request, "email", "")) or getattr(request, "session_id", ""))
    if action in _KEYS:
        return plain_text(getattr(request, "key_id", "") or getattr(request, "label", ""))
    return plain_text(getattr(request, "name", ""))


def told_action(action: str, request: Any) -> str:
    """What an entry says was done."""
    return f"{action} (dry run)" if getattr(request, "dry_run", False) else action


def plain_text(text: str) -> str:
    """A text without letters that cannot be printed, and no longer than entries are."""
    return "".join(letter for letter in text if letter.isprintable())[:_LONGEST]
