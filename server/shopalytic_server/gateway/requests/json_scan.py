"""Finds the parts of a JSON object's text without reading them: linear, without recursion, in small steps.

A parser makes a value of whatever comes before anybody can count it. This only
looks for quotes and brackets: it gives the place of each member of the object,
and of each item of one of its lists, so that these are counted and measured
first, and read one by one after. Whether an item is JSON is for its reader to
say; here only brackets must fit and commas stand between.
"""

import json
import re
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field

MAX_DEPTH = 100
"""Levels of lists and objects in one value; protobuf's own readers stop there, too."""
MAX_PARTS = 10_000
"""Lists and objects in one value: an order of 2,000 items has less than half."""
_MAX_MEMBERS = 1_000
# In a whole text, whatever its parts: 4 MB of good events have less than half.
_MOST_PARTS = 400_000
# In one value, where those that must not be read are passed: no event that is not too large has as many.
_MOST_PASSED = 90_000
# Of a list for which no number is named; no request has a use for as many.
_MOST_ITEMS = 50_000

# What a regular expression may look at before it pauses: about a millisecond's worth.
_WINDOW = 65_536
_BRACKETS_A_STEP = 2_000
_ITEMS_A_STEP = 500

_BLANK = re.compile(rb"[ \t\n\r]*+")
# Whole strings, and whatever is no string and no bracket. Possessive, so that nothing is tried twice.
_PLAIN = re.compile(rb'(?:[^"{}\[\]]++|"(?:[^"\\]++|\\.)*+")*+', re.DOTALL)
_IN_STRING = re.compile(rb'(?:[^"\\]++|\\.)*+', re.DOTALL)
_WORD = re.compile(rb'[^ \t\n\r"{}\[\],:]++')
_CLOSES = {ord("{"): ord("}"), ord("["): ord("]")}
_CLOSERS = frozenset(_CLOSES.values())
_QUOTE, _COMMA, _COLON, _OPEN, _CLOSE, _LIST, _LIST_END = b'",:{}[]'


class Malformed(ValueError):
    """The text is not a JSON object."""

    def __init__(self, data: bytes, at: int, message: str) -> None:
        line = data.count(b"\n", 0, at) + 1
        column = at - data.rfind(b"\n", 0, at)
        super().__init__(f"{message} at line {line}, column {column}")


class TooMany(ValueError):
    """A list has more items than it may have."""

    def __init__(self, name: str, limit: int) -> None:
        super().__init__(f"{name}: has more than {limit:,} items")
        self.name = name
        self.limit = limit


@dataclass(frozen=True, slots=True)
class Span:
    """The place of one value, and why it must not be read, if so."""

    start: int
    end: int
    fault: str | None = None


@dataclass(slots=True)
class Spans:
    """What was found: the members but the list, by name, and the items of the list."""

    members: dict[str, Span] = field(default_factory=dict)
    items: list[Span] | None = None
    """None: there is no such member, or it is no list; then it is among the members."""


class Scanner:
    """Scans one text. `list_name` is the member whose items are told apart."""

    def __init__(
        self,
        data: bytes,
        list_name: str,
        limit_of: Callable[[str], int | None],
        max_parts: int = _MOST_PARTS,
    ) -> None:
        """`limit_of`: how many items the list with this name may have; None: as many as any list.

        `max_parts`: how many lists and objects the whole text may have. Without `list_name`
        a value that must not be read ends the scan; else the others are still of use.
        """
        self._data = data
        self._list_name = list_name
        self._limit_of = limit_of
        self._left = max_parts
        self._at = 0
        self._found = Span(0, 0)
        self.parts = Spans()

    def steps(self) -> Iterator[None]:
        """Scans, and pauses now and then. Raises Malformed or TooMany."""
        self._at = 3 if self._data.startswith(b"\xef\xbb\xbf") else 0
        if self._next() != _OPEN:
            raise self._malformed("it must be an object, such as {...},")
        self._at += 1
        if self._next() == _CLOSE:
            self._at += 1
        else:
            while True:
                yield from self._member()
                yield
                if self._separator(_CLOSE):
                    break
        if self._next() is not None:
            raise self._malformed("something follows after its end")

    def _member(self) -> Iterator[None]:
        name = self._name()
        if name in self.parts.members or (name == self._list_name and self.parts.items is not None):
            raise self._malformed(f"the key {name[:100]!r} is given twice; give it once")
        if len(self.parts.members) == _MAX_MEMBERS:
            raise self._malformed(f"more than {_MAX_MEMBERS} members")
        if self._next() != _COLON:
            raise self._malformed("a colon is missing after a name")
        self._at += 1
        start = self._at
        if self._next() == _LIST:
            start = self._at
            items: list[Span] | None = [] if name == self._list_name else None
            fault = yield from self._items(name, items)
            if items is not None:
                self.parts.items = items
                return
            self.parts.members[name] = Span(start, self._at, fault)
        else:
            yield from self._value()
            self.parts.members[name] = self._found

    def _items(self, name: str, items: list[Span] | None) -> "Generator[None, None, str | None]":
        """Passes a list; gives the first reason why one of its items must not be read, or None."""
        limit, count, fault = self._limit_of(name), 0, None
        if limit is None:
            limit = _MOST_ITEMS
        self._at += 1
        if self._next() == _LIST_END:
            self._at += 1
            return fault
        while True:
            if count == limit:
                raise TooMany(name, limit)
            yield from self._value()
            count += 1
            fault = fault or self._found.fault
            if items is not None:
                items.append(self._found)
            if count % _ITEMS_A_STEP == 0:
                yield
            if self._separator(_LIST_END):
                return fault

    def _name(self) -> str:
        start = self._at
        if self._next() != _QUOTE:
            raise self._malformed("a name in double quotes is missing")
        start = self._at
        end = _IN_STRING.match(self._data, start + 1, start + _WINDOW).end()  # type: ignore[union-attr]
        if self._data[end : end + 1] != b'"':
            raise self._malformed("a name has no end")
        self._at = end + 1
        try:
            return str(json.loads(self._data[start : end + 1].decode()))
        except ValueError:
            self._at = start
            raise self._malformed("a name is not readable") from None

    def _separator(self, end: int) -> bool:
        """Passes the comma, or the end of what it is in: True."""
        byte = self._next()
        if byte not in (_COMMA, end):
            raise self._malformed("a comma or a closing bracket is missing")
        self._at += 1
        return byte == end

    def _value(self) -> Iterator[None]:
        """Passes one value, and leaves its place in `_found`."""
        first, start = self._next(), self._at
        fault = None
        if first in _CLOSES:
            fault = yield from self._brackets()
        elif first == _QUOTE:
            yield from self._string()
        else:
            word = _WORD.match(self._data, start)
            if word is None:
                raise self._malformed("a value is missing")
            self._at = word.end()
        self._found = Span(start, self._at, fault)

    def _brackets(self) -> "Generator[None, None, str | None]":
        """Passes a list or an object; gives the reason why it must not be read, or None."""
        data, size = self._data, len(self._data)
        closers: list[int] = []
        fault: str | None = None
        at, count = self._at, 0
        while True:
            at = _PLAIN.match(data, at, at + _WINDOW).end()  # type: ignore[union-attr]
            if at >= size:
                self._at = size
                raise self._malformed("it is cut off")
            byte = data[at]
            if byte in _CLOSES:
                closers.append(_CLOSES[byte])
                count += 1
                if len(closers) > MAX_DEPTH or count > MAX_PARTS:
                    fault = fault or _fault(len(closers))
                    if not self._list_name:
                        self._at = at
                        raise self._malformed(f"a value {fault}")
                if count >= self._left or count > _MOST_PASSED:
                    raise self._malformed("too many lists and objects")
                if count % _BRACKETS_A_STEP == 0:
                    yield
                at += 1
            elif byte == _QUOTE:
                self._at = at
                yield from self._string()
                at = self._at
            elif byte not in _CLOSERS:
                yield  # the end of the window
            elif closers[-1] != byte:
                self._at = at
                raise self._malformed("a bracket does not fit the one that it closes")
            else:
                closers.pop()
                at += 1
                if not closers:
                    self._at = at
                    self._left -= count
                    return fault

    def _string(self) -> Iterator[None]:
        """Passes a string of any length."""
        at = self._at + 1
        while True:
            end = _IN_STRING.match(self._data, at, at + _WINDOW).end()  # type: ignore[union-attr]
            if self._data[end : end + 1] == b'"':
                self._at = end + 1
                return
            if end == at:
                raise self._malformed("a string has no end")
            at = end
            yield

    def _next(self) -> int | None:
        """The next byte that is not blank, which is where this stands then; None at the end."""
        self._at = _BLANK.match(self._data, self._at).end()  # type: ignore[union-attr]
        return self._data[self._at] if self._at < len(self._data) else None

    def _malformed(self, message: str) -> Malformed:
        return Malformed(self._data, self._at, message)


def _fault(depth: int) -> str:
    if depth > MAX_DEPTH:
        return f"is nested more than {MAX_DEPTH} levels deep"
    return f"has more than {MAX_PARTS:,} lists and objects"
