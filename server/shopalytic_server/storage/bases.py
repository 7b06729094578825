"""Keeps what reports found in past days, so that only what has come since is read again.

Every report is a sum: over customers, or over rows of their own time. So an
answer is the one of the days that are sealed, its base, which this process
keeps; for what is summed over rows, together with the rows outside of these
days; for what is summed over customers, less what the affected customers have
in these days, plus all that they have. Affected is who has rows outside of the
sealed days, or was joined to another customer or parted from one since the base
was made: others give what they gave.

A base holds as long as the same days are sealed as when it was made: whoever
changes a row of a sealed day unseals it (see `sealing`), and sealing it again
gives it another version. What an affected customer gave is read from the rows
of the sealed days, which are the same, with the customers of then:
`customer_changes` tells who was whose.
"""

import json
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from shopalytic_server.domain.amounts import total
from shopalytic_server.domain.spreads import Spread
from shopalytic_server.storage.queries import load
from shopalytic_server.storage.reading import Snapshot
from shopalytic_server.storage.scope import Scope

_SQL = load("bases")

# Where more customers than these are affected, everything is read.
MOST_AFFECTED = 20_000
MOST_ROWS = 400_000
"""Of all bases together; the ones that were asked for longest ago go first."""
# `customer_changes` is kept for longer.
_LONGEST = timedelta(days=1)

# A statement sees all rows.
EVER = {"rows_from": "-infinity", "rows_to": "infinity"}
# The rows that a statement names, whose customers it wants.
_NAMES = ("o", "e", "f", "v")

Row = dict[str, Any]
_Sums = dict[tuple[Any, ...], Row]


def _fragments(customers: str, customer: str, known: str, members: str, type_of_e: str) -> dict[str, str]:
    """What stands for customers in a statement, and for the type of events."""
    found = {"members": members, "type_of_e": type_of_e}
    for row in _NAMES:
        found[f"customers_of_{row}"] = customers.format(row=row, members=members)
        found[f"customer_of_{row}"] = customer.format(row=row)
        found[f"known_of_{row}"] = known.format(row=row)
    return found


_OF_ALL = _fragments(_SQL.all_customers, _SQL.all_customer, _SQL.all_known, _SQL.all_members, "e.type")
_OF_SOME = _fragments(
    _SQL.some_customers, _SQL.some_customer, _SQL.some_known, _SQL.some_members, _SQL.some_type
)


@dataclass(frozen=True, slots=True)
class Part:
    """A statement of a report whose rows can be summed up: their columns but the keys are numbers.

    Columns that are arrays of whole numbers become a Spread. One column is `counted`:
    a row that counts nothing any more is none. The statement sees rows from
    %(rows_from)s to %(rows_to)s only.
    """

    everything: str
    keys: tuple[str, ...]
    of_some: str | None = None
    """The same of the affected customers; None for a sum over rows."""
    affected: str = ""
    """Says which these are: how many `members`, and the parameters that `of_some` takes."""
    most: int = MOST_AFFECTED
    """Where more are affected than these, everything is read."""
    unless: str = ""
    """Whether it has a row tells that the days kept cannot be looked at without those before."""


def of_rows(statement: str, *keys: str, unless: str = "") -> Part:
    """A sum over rows, each at its own time."""
    return Part(statement, keys, unless=unless)


def of_customers(statement: str, live: str, *keys: str) -> Part:
    """A sum over customers. The statement names `{customers_of_o}`, `{customer_of_o}` and `{members}`."""
    return Part(everyone(statement), keys, someone(statement), affected_by(live))


def affected_by(live: str) -> str:
    """The statement on the affected customers, by that on the subjects of rows that are not kept.

    These are rows before %(rows_from)s, or from %(rows_to)s on, that the report counts.
    """
    return _SQL.affected.format(live=live)


def someone(statement: str) -> str:
    """A statement that names customers, of the affected ones."""
    return statement.format(**_OF_SOME)


def everyone(statement: str) -> str:
    """A statement that names customers, of all of them."""
    return statement.format(**_OF_ALL)


@dataclass(frozen=True, slots=True)
class _Standing:
    """Which days are sealed without a hole, and how far changes of customers go."""

    first: date
    past: date
    version: int
    changes: tuple[int, ...]
    upheavals: tuple[int, ...]

    def rows(self) -> dict[str, str]:
        """The rows of these days, for a statement."""
        bounds = (datetime.combine(day, time(), UTC).isoformat() for day in (self.first, self.past))
        return dict(zip(("rows_from", "rows_to"), bounds, strict=True))

    def continues(self, before: "_Standing") -> bool:
        """Whether what was found in the sealed days before is still there, but for changes of customers."""
        return (
            (self.first, self.past, self.version) == (before.first, before.past, before.version)
            # A replica may be behind the one that was read before.
            and all(map(int.__ge__, self.changes, before.changes))
            and all(map(int.__le__, self.upheavals, before.changes))
        )


@dataclass(slots=True)
class _Base:
    """What the parts of a report found in sealed days."""

    standing: _Standing
    made_at: datetime
    parts: list[_Sums]

    @property
    def size(self) -> int:
        return sum(map(len, self.parts))


class Bases:
    """The bases of one process."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, _Base] = OrderedDict()

    def find(self, question: str, standing: _Standing) -> _Base | None:
        """The base for a question, if it still holds."""
        base = self._kept.get(question)
        if base is None:
            return None
        if datetime.now(UTC) - base.made_at > _LONGEST or not standing.continues(base.standing):
            del self._kept[question]
            return None
        self._kept.move_to_end(question)
        return base

    def keep(self, question: str, base: _Base) -> None:
        """Keeps a base, if it is not too large, instead of some that nobody asks for any more."""
        self._kept[question] = base
        self._kept.move_to_end(question)
        size = sum(each.size for each in self._kept.values())
        while size > MOST_ROWS:
            size -= self._kept.popitem(last=False)[1].size


async def summed(
    snapshot: Snapshot,
    scope: Scope,
    parts: Sequence[Part],
    *,
    keep: bool = True,
    known_at: str | None = None,
    **parameters: Any,
) -> list[list[Row]]:
    """The rows of each part of a report. Without `keep` all are read.

    `known_at`, if a statement takes it, is later than all sealed days: what these
    gave must not depend on it.
    """
    asked = {**scope.parameters(), **parameters}
    question = asked | {"known_at": known_at}
    standing = None if snapshot.bases is None or not keep else await _standing(snapshot, question)
    if snapshot.bases is None or standing is None or not _is_worth_it(scope, standing):
        return [await _everything(snapshot, part, question) for part in parts]
    name = json.dumps([[part.everything for part in parts], asked], default=str)
    base = snapshot.bases.find(name, standing)
    if base is None:
        found = [await _fetch(snapshot, part, part.everything, question | standing.rows()) for part in parts]
        base = _Base(standing, datetime.now(UTC), found)
        snapshot.bases.keep(name, base)
    return await _continued(snapshot, base, parts, question)


def _is_worth_it(scope: Scope, standing: _Standing) -> bool:
    """Whether the range is not about to end where sealed days begin, or to begin where they end."""
    first, past = (datetime.combine(day, time(), UTC) for day in (standing.first, standing.past))
    return (scope.to_at is None or scope.to_at > first) and (scope.from_at is None or scope.from_at < past)


async def _standing(snapshot: Snapshot, question: dict[str, Any]) -> _Standing | None:
    row = await snapshot.fetch_one(_SQL.standing, **question)
    if row is None or row["first"] is None or (row["past"] - row["first"]).days != row["days"]:
        return None
    return _Standing(
        row["first"], row["past"], row["version"], tuple(row["changes"]), tuple(row["upheavals"])
    )


async def _continued(
    snapshot: Snapshot, base: _Base, parts: Sequence[Part], question: dict[str, Any]
) -> list[list[Row]]:
    """What a base gives with what has come since."""
    rows = base.standing.rows()
    found: list[list[Row]] = []
    affected: dict[str, Row] = {}
    for part, kept in zip(parts, base.parts, strict=True):
        sums = dict(kept)
        if part.unless and await snapshot.fetch(part.unless, **question, **rows):
            found.append(await _everything(snapshot, part, question))
            continue
        if part.of_some is None:
            for window in _around(rows, question):
                _add(sums, await _fetch(snapshot, part, part.everything, question | window), part)
            found.append(list(sums.values()))
            continue
        if part.affected not in affected:
            affected[part.affected] = await _affected(snapshot, base, part.affected, question | rows)
        who = affected[part.affected]
        if who["members"] > part.most:
            found.append(await _everything(snapshot, part, question))
            continue
        if who["members"]:
            now = question | who | {"member_customers": who.get("customers_now")} | EVER
            then = question | who | {"member_customers": who.get("customers_then")} | rows
            _add(sums, await _fetch(snapshot, part, part.of_some, now), part)
            _add(sums, await _fetch(snapshot, part, part.of_some, then), part, less=True)
        found.append(list(sums.values()))
    return found


def _around(rows: dict[str, str], question: dict[str, Any]) -> list[dict[str, str]]:
    """The times before and after some rows, as far as they are in the range."""
    windows = []
    if question["from_at"] == "-infinity" or _time(question["from_at"]) < _time(rows["rows_from"]):
        windows.append(EVER | {"rows_to": rows["rows_from"]})
    if question["to_at"] == "infinity" or _time(question["to_at"]) > _time(rows["rows_to"]):
        windows.append(EVER | {"rows_from": rows["rows_to"]})
    return windows


_time = datetime.fromisoformat


async def _affected(snapshot: Snapshot, base: _Base, statement: str, question: dict[str, Any]) -> Row:
    """What may have given something else to the base than it does now."""
    row = await snapshot.fetch_one(statement, **question, known_changes=list(base.standing.changes))
    assert row is not None  # noqa: S101 - an aggregate without groups has a row
    return row


async def _everything(snapshot: Snapshot, part: Part, question: dict[str, Any]) -> list[Row]:
    return list((await _fetch(snapshot, part, part.everything, question | EVER)).values())


async def _fetch(snapshot: Snapshot, part: Part, statement: str, parameters: dict[str, Any]) -> _Sums:
    rows = await snapshot.fetch(statement, **parameters)
    for row in rows:
        for name, value in row.items():
            if isinstance(value, list):
                row[name] = Spread(value)
    return {tuple(row[key] for key in part.keys): row for row in rows if row["counted"]}


def _add(sums: _Sums, further: _Sums, part: Part, *, less: bool = False) -> None:
    """Adds rows to others, or takes them away."""
    for key, row in further.items():
        before = sums.get(key)
        if before is None:
            # What is not among the rows of a part that keeps only some has nothing to lose.
            if not less:
                sums[key] = row
            continue
        together = {name: row[name] for name in part.keys}
        for name, number in row.items():
            if name not in together:
                together[name] = _sum(before[name], -number if less else number)
        if together["counted"]:
            sums[key] = together
        else:
            del sums[key]


def _sum(first: Any, second: Any) -> Any:
    if isinstance(second, Spread):
        return first + second
    if isinstance(first, Decimal) or isinstance(second, Decimal):
        return total(Decimal(first), Decimal(second))
    return first + second
