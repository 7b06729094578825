"""Takes the body of one request apart: the messages in it, and what stands beside them."""

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_to_bytes

from shopalytic_server.gateway.errors import Refusal
from shopalytic_server.gateway.requests.json_scan import Scanner, Span
from shopalytic_server.gateway.requests.payload import UnreadableEvent, read_value, steps_of, unusable
from shopalytic_server.gateway.work import Work

MAX_MESSAGES = 20_000
"""The most messages of one request; they are sent on in calls of what the contract takes."""

_LONGEST_MEMBER = 65_536
_FORM = b"data="
# Escaped text that is read at once: half a millisecond's work.
_QUOTED_A_STEP = 8_192


@dataclass(slots=True)
class Body:
    """One request's body. Its messages are read one by one, and each may turn out to be unreadable."""

    text: bytes
    parts: list[Span]
    beside: dict[str, Any] = field(default_factory=dict)
    beside_bytes: int = 0
    """How long that is in the body. All of it is read again with each message."""

    @property
    def work_bytes(self) -> int:
        """How many bytes are read in all."""
        return len(self.text) + self.beside_bytes * len(self.parts)

    def size(self, index: int) -> int:
        """How many bytes one message has."""
        return self.parts[index].end - self.parts[index].start

    def raw(self, index: int) -> bytes:
        """One message exactly as it was sent."""
        return self.text[self.parts[index].start : self.parts[index].end]

    def message(self, index: int) -> Any:
        """What JSON gives for one message, unchecked, or UnreadableEvent."""
        if self.parts[index].fault is not None:
            return UnreadableEvent(self.parts[index].fault or "")
        return read_value(self.raw(index))


async def plain_json(text: bytes, work: Work) -> bytes:
    """The JSON of a body: as it is, out of a form's `data`, or with a list made the batch that it is."""
    stripped = text.lstrip(b"\xef\xbb\xbf \t\r\n")
    if stripped.startswith(_FORM):
        stripped = _of_form(await _unquoted(stripped[len(_FORM) :].partition(b"&")[0], work))
    if stripped.startswith(b"["):
        return b'{"batch":' + stripped + b"}"
    return stripped


async def _unquoted(text: bytes, work: Work) -> bytes:
    """A form's value, in steps where it is long: each escape takes as long as a hundred letters."""
    if len(text) <= _QUOTED_A_STEP:
        return _unquote(text)
    parts, at = [], 0
    async with work.turn():
        while at < len(text):
            end = at + _QUOTED_A_STEP
            # No escape is cut in two.
            if (begun := text.rfind(b"%", end - 2, end)) >= 0:
                end = begun
            parts.append(_unquote(text[at:end]))
            at = end
            await work.rest()
    return b"".join(parts)


def _unquote(text: bytes) -> bytes:
    return unquote_to_bytes(text.replace(b"+", b" "))


def _of_form(value: bytes) -> bytes:
    if value.lstrip().startswith((b"{", b"[")):
        return value
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise unusable("The body is a form whose data is neither JSON nor base64 of it.") from None


class Reading:
    """Reads one body in steps."""

    def __init__(self, text: bytes, list_name: str, beside: tuple[str, ...], *, single: bool = True) -> None:
        """`list_name`: where a batch stands; `beside`: the members beside it that count.

        `single`: a body without a batch is one message.
        """
        self._single = single
        self._text = text
        self._beside = beside
        self._list_name = list_name
        self._scanner = Scanner(text, list_name, lambda name: MAX_MESSAGES if name == list_name else None)

    def steps(self) -> Iterator[None]:
        """The work; raises Refusal for what is no JSON object."""
        yield from steps_of(self._scanner)

    def body(self) -> Body:
        """What was found."""
        parts = self._scanner.parts
        beside: dict[str, Any] = {}
        beside_bytes = 0
        for name, part in parts.members.items():
            if name in self._beside and part.fault is None and part.end - part.start <= _LONGEST_MEMBER:
                value = read_value(self._text[part.start : part.end])
                if not isinstance(value, UnreadableEvent):
                    beside[name] = value
                    beside_bytes += part.end - part.start
        if parts.items is None:
            if self._list_name in parts.members or not self._single:
                raise unusable(f"{self._list_name}: give a list of messages.")
            return Body(self._text, [Span(0, len(self._text))], beside)
        if not parts.items:
            raise Refusal(400, "invalid_argument", f"{self._list_name}: give at least one message.")
        return Body(self._text, parts.items, beside, beside_bytes)
