"""Reads the shop's forms, which anybody may fill in with anything."""

import asyncio
import re
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request

from shopalytic_demo.pages.layout import MAX_FIELD

MAX_BYTES = 10_000
PATIENCE_SECONDS = 10.0

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class UnreadableForm(ValueError):
    """The form cannot be read; fill it in again."""


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a form, trimmed; a field given twice counts as last given."""
    body = b""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > MAX_BYTES:
                    raise UnreadableForm("The form is too large.")
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=20, errors="strict")
    except UnreadableForm:
        raise
    except (ClientDisconnect, TimeoutError, ValueError):
        raise UnreadableForm("The form cannot be read; fill it in again.") from None
    return {name: _CONTROL.sub("", value).strip() for name, value in pairs}


def missing(form: dict[str, str], *names: str) -> str:
    """A sentence about the first field that is empty or too long; empty when all are well."""
    for name in names:
        label = name.replace("_", " ").capitalize()
        value = form.get(name, "")
        if not value:
            return f"{label}: please fill this in."
        if len(value) > MAX_FIELD:
            return f"{label}: at most {MAX_FIELD} characters, please."
        if name == "email" and not _EMAIL.fullmatch(value):
            return "Email: this does not look like an e-mail address."
    return ""


def quantity(form: dict[str, str], low: int, high: int) -> int | None:
    """The number of pieces; None if it is no number in these bounds."""
    text = form.get("qty", "")
    if not re.fullmatch(r"[0-9]{1,4}", text) or not low <= int(text) <= high:
        return None
    return int(text)
