"""Sends HTTP answers: JSON, errors, and the headers that every answer has."""

import json
from collections.abc import Sequence
from typing import Any

from starlette.types import Send

from shopalytic_server.gateway.errors import Refusal

Header = tuple[bytes, bytes]

_PART = 32_768

JSON = b"application/json"
NO_STORE: Header = (b"cache-control", b"no-store")


async def answer(
    send: Send, status: int, body: bytes, content_type: bytes, headers: Sequence[Header] = ()
) -> None:
    """Sends a whole answer."""
    length = str(len(body)).encode()
    start = [(b"content-type", content_type), (b"content-length", length), *headers]
    await send({"type": "http.response.start", "status": status, "headers": start})
    at = 0
    while len(body) - at > _PART:
        # Waits until the client takes what is written: whoever takes nothing costs little.
        await send({"type": "http.response.body", "body": body[at : at + _PART], "more_body": True})
        at += _PART
    await send({"type": "http.response.body", "body": body[at:]})


async def answer_json(send: Send, status: int, value: Any, headers: Sequence[Header] = ()) -> None:
    """Sends JSON that is never cached."""
    body = json.dumps(value, separators=(",", ":")).encode()
    await answer(send, status, body, JSON, [NO_STORE, *headers])


async def answer_empty(send: Send, status: int, headers: Sequence[Header] = ()) -> None:
    """Sends an answer without a body."""
    await send({"type": "http.response.start", "status": status, "headers": list(headers)})
    await send({"type": "http.response.body", "body": b""})


async def answer_refusal(send: Send, refusal: Refusal, headers: Sequence[Header] = ()) -> None:
    """Sends the error that a refusal stands for."""
    value = {"error": {"code": refusal.code, "message": refusal.message}}
    await answer_json(send, refusal.status, value, [*refusal_headers(refusal), *headers])


def refusal_headers(refusal: Refusal) -> list[Header]:
    """The headers that belong to a refusal, whatever form its body takes."""
    headers: list[Header] = []
    if refusal.retry_after is not None:
        headers.append((b"retry-after", str(refusal.retry_after).encode()))
    if refusal.close:
        headers.append((b"connection", b"close"))
    return headers


async def answer_wrong_method(send: Send, allowed: str, headers: Sequence[Header] = ()) -> None:
    """Says which methods a path has."""
    refusal = Refusal(405, "method_not_allowed", f"This path takes {allowed}.")
    await answer_refusal(send, refusal, [(b"allow", allowed.encode()), *headers])
