"""Tells robots from people, by what they say of themselves.

The list of robots is well kept by others, as some 1,500 regular expressions.
Tried one after the other they take milliseconds for one user agent, and anybody
may send a thousand different ones in a request. Each of them has a text that
must be there, and most are nothing else; all these texts are looked for in one
pass over the user agent's beginning, and an expression is tried only where its
text was found.

The list names libraries that speak HTTP, too. An app or a script of the shop uses
them, so that they alone make no robot of whoever holds a key and sends events.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from enum import Enum
from functools import cache, lru_cache
from typing import NamedTuple

from crawleruseragents import CRAWLER_USER_AGENTS_DATA

# The longest of the robots that are known has 285 letters.
MOST_LETTERS = 400
# A shop sees the same user agents over and over.
_REMEMBERED = 10_000

# Texts are found by so many of their first letters.
_START = 4

# Who named the tag, or the picture of pages without scripts, as what made the event.
_OF_PAGES = frozenset({"shopalytic-js", "shopalytic-gif"})
_LIBRARY = "http-library"

_PART = re.compile(r"\\(.)|([\[(])|([*?{])|([.^$+|])|(.)", re.DOTALL)


class Kind(Enum):
    """What the list says of a user agent."""

    UNKNOWN = "unknown"
    LIBRARY = "library"
    ROBOT = "robot"


def is_bot(user_agent: str, *, automated: bool, is_client: bool = False, own: Collection[str] = ()) -> bool:
    """Whether an event is a robot's: by its user agent, or because its browser says that a program drives it.

    An event without a user agent is a backend's, and no robot's. `is_client` says that
    it is from a client of the shop, which may be made with any library; `own` are texts
    in the user agents of the shop's own programs, whatever the list says of these.
    """
    if automated or not user_agent:
        return automated
    kind = _known(user_agent[:MOST_LETTERS])
    if kind is Kind.UNKNOWN or (kind is Kind.LIBRARY and is_client):
        return False
    return not is_own(user_agent[:MOST_LETTERS], own)


def is_listed(user_agent: str) -> bool:
    """Whether the list has a user agent; if not, it is no robot's, unless its browser says so."""
    return _known(user_agent[:MOST_LETTERS]) is not Kind.UNKNOWN


def is_own(user_agent: str, own: Collection[str]) -> bool:
    """Whether a user agent has one of the texts in it; case is ignored."""
    return bool(own) and any(text.lower() in user_agent.lower() for text in own)


def is_of_client(library_name: str, *, public: bool, identified: bool) -> bool:
    """Whether an event is from a client of the shop, whatever library it uses.

    With a public key it is the client itself that sends, unless the event is a page's:
    browsers open pages, and libraries open them for robots. A backend tells of its
    visitors' user agents: of those, the client is whom it knows.
    """
    return library_name not in _OF_PAGES if public else identified


@lru_cache(_REMEMBERED)
def _known(user_agent: str) -> Kind:
    robots, libraries = _lists()
    starts = starts_in(user_agent)
    if robots.match(user_agent, starts):
        return Kind.ROBOT
    return Kind.LIBRARY if libraries.match(user_agent, starts) else Kind.UNKNOWN


def starts_in(text: str) -> set[str]:
    """Everything in a text that has the length of a start."""
    return {text[at : at + _START] for at in range(len(text) - _START + 1)}


class _Robot(NamedTuple):
    """A text that must be there, and the whole expression if it is more than that."""

    text: str
    pattern: re.Pattern[str] | None


class Robots:
    """Some regular expressions, of which any may be found in a text."""

    def __init__(self, patterns: Iterable[str]) -> None:
        self._by_start: dict[str, list[_Robot]] = defaultdict(list)
        self._short: list[_Robot] = []
        for pattern in patterns:
            for part in _alternatives(pattern):
                text, is_all = _required(part)
                robot = _Robot(text, None if is_all else re.compile(part))
                group = self._short if len(text) < _START else self._by_start[text[:_START]]
                group.append(robot)
        self._by_start.default_factory = None

    def match(self, text: str, starts: set[str]) -> bool:
        """Whether one of them is found; `starts` are the text's `starts_in`."""
        groups = [self._short, *(self._by_start[start] for start in starts & self._by_start.keys())]
        return any(_is_there(robot, text) for group in groups for robot in group)


def _is_there(robot: _Robot, text: str) -> bool:
    return robot.text in text and (robot.pattern is None or robot.pattern.search(text) is not None)


@cache
def _lists() -> tuple[Robots, Robots]:
    """The robots, and the libraries."""
    libraries = {robot["pattern"] for robot in CRAWLER_USER_AGENTS_DATA if _LIBRARY in robot["tags"]}
    robots = (robot["pattern"] for robot in CRAWLER_USER_AGENTS_DATA if robot["pattern"] not in libraries)
    return Robots(robots), Robots(libraries)


def _alternatives(pattern: str) -> list[str]:
    """The parts of an expression between the bars that are in no brackets."""
    cuts = [at for at, kind, _ in _parts(pattern) if kind == "|"]
    return [pattern[start + 1 : end] for start, end in zip([-1, *cuts], [*cuts, len(pattern)], strict=True)]


def _required(pattern: str) -> tuple[str, bool]:
    """The longest text that whatever fits the expression has, and whether it is all of it."""
    runs, is_all = [""], True
    for _, kind, letter in _parts(pattern):
        if kind == "letter":
            runs[-1] += letter
            continue
        is_all = False
        if kind == "optional":
            # What may be absent is the letter before.
            runs[-1] = runs[-1][:-1]
        runs.append("")
    return max(runs, key=len), is_all


def _parts(pattern: str) -> Iterator[tuple[int, str, str]]:
    """Where each part stands, its kind, and its letter if it stands for one; brackets are one part."""
    at = 0
    while at < len(pattern):
        found = _PART.match(pattern, at)
        assert found is not None  # noqa: S101 - any letter fits its last alternative
        escaped, bracket, optional, other, letter = found.groups()
        if bracket:
            yield at, "brackets", ""
            at = _after_brackets(pattern, at)
            continue
        if escaped is not None and not escaped.isalnum():
            yield at, "letter", escaped
        elif letter is not None:
            yield at, "letter", letter
        else:
            yield at, "optional" if optional else other or "class", ""
        at = found.end()
        if optional == "{":
            at = pattern.index("}", at) + 1


def _after_brackets(pattern: str, at: int) -> int:
    """Behind the bracket that closes the one at a place."""
    closing = {"(": ")", "[": "]"}
    waiting = [closing[pattern[at]]]
    while waiting:
        at += 2 if pattern[at] == "\\" else 1
        if pattern[at] == waiting[-1]:
            waiting.pop()
        elif waiting[-1] == ")" and pattern[at] in closing:
            waiting.append(closing[pattern[at]])
    return at + 1
