"""What is known of the request that is being answered: its id in the logs of every process, its sender."""

import re
import secrets
from contextvars import ContextVar

HEADER = "x-request-id"

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
"""The id of the request that is being answered; None outside of one."""

sender: ContextVar[str] = ContextVar("sender", default="")
"""The network address that a request of the gateway came from, as far as it tells senders apart; else ""."""

_is_id = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII).fullmatch


def id_or_new(given: str | None) -> str:
    """The id that the caller gave, if it is one that may stand in a log; else a new one."""
    return given if given is not None and _is_id(given) else secrets.token_hex(8)
