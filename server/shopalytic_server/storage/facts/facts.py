"""The facts of one question, all of one moment."""

import logging
import re
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    Hashable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Context, Decimal
from typing import Any, TypeVar, cast

from psycopg import sql

from shopalytic_server.domain.errors import StoreUnavailable
from shopalytic_server.domain.reports.touches import SESSION_GAP
from shopalytic_server.storage.database.reading import Snapshot
from shopalytic_server.storage.facts.answers import Known, Recall
from shopalytic_server.storage.facts.arrow import ArrowConnections
from shopalytic_server.storage.facts.breakdown.beside import make_beside
from shopalytic_server.storage.facts.breakdown.filters import scope_condition
from shopalytic_server.storage.facts.breakdown.sources import Needs, counted, fits
from shopalytic_server.storage.facts.customers import LINKS, Links
from shopalytic_server.storage.facts.engine import Engine, FilesUnreadable, Turn
from shopalytic_server.storage.facts.files import FactFiles, Use
from shopalytic_server.storage.facts.fresh import (
    EVER,
    Span,
    create,
    insert,
    insert_rows,
    outside,
    statement_of,
)
from shopalytic_server.storage.facts.scope import Scope
from shopalytic_server.storage.facts.tables import STEPS, TABLES, VISIT_PARTS, Table, steps_of
from shopalytic_server.storage.facts.versions import Versions, read_versions
from shopalytic_server.storage.facts.views import (
    DERIVED_COLUMNS,
    derived,
    needs_orders,
    rows_of_days,
    visits,
    with_free,
    without_free,
)

Row = dict[str, Any]
Result = TypeVar("Result")
Moment = Callable[[], AbstractAsyncContextManager[Snapshot]]

log = logging.getLogger(__name__)

# Names of ours.
_ROBOTS = """
SELECT count(*) AS robots FROM {table}
 WHERE bot AND {day} >= $from_at::TIMESTAMP AND {day} < $to_at::TIMESTAMP
   AND ($source::VARCHAR IS NULL OR source = $source)
"""
_ALL_ROBOTS = "SELECT sum(robots)::BIGINT AS robots FROM ({})"
_PARAMETER = re.compile(r"\$([a-z][a-z_0-9]*)")
_EXACT = Context(prec=1000)
_ARRIVING = "arriving"


class Facts:
    """What a report asks: first it takes the rows it needs, then it asks its statements."""

    def __init__(
        self, store: "FactStore", turn: Turn, snapshot: Snapshot, held: ExitStack, files: FactFiles | None
    ) -> None:
        """`held` ends with the question, and with it the use of files."""
        self._turn = turn
        self._files = files
        self._customers = turn.customers
        self._arrow = store.arrow
        self._held = held
        self._links: Links | None = None
        self.snapshot = snapshot
        """The same moment in PostgreSQL, for names and addresses that facts do not hold."""
        self.uses: Sequence[Use] = ()
        """The files that the last rows came from."""
        self.recall: Recall | None = None
        """What the question found when it was asked before."""
        self._asked: dict[str, Any] = {}
        self._scope: Scope
        self._needs: Needs
        self._views: set[str] = set()
        self._spans: Mapping[str, Span] = {}

    async def take(self, scope: Scope, looks_at: Collection[str] = (), /, **spans: Span) -> None:
        """Makes the tables named hold their rows of these times.

        `counted_…` is what the scope and its filters leave of each. Rows around these
        times may be there, too: a statement names its times. `looks_at` are
        dimensions that the report reads whether they are asked for or not. Raises
        StoreUnavailable.
        """
        self._asked = {
            "from_at": "-infinity" if scope.from_at is None else _naive(scope.from_at),
            "to_at": "infinity" if scope.to_at is None else _naive(scope.to_at),
            "include_bots": scope.include_bots,
            "source": scope.source,
            "currency": scope.currency,
            "session_gap": SESSION_GAP,
        }
        self._scope, self._needs = scope, Needs.of(scope, spans, looks_at)
        self._spans = spans
        named = {**spans, **self._needs.spans(scope)}
        tables = _tables(named)
        seen = {table.name for table in tables}
        if scope.without_free_orders and needs_orders(named):
            tables[TABLES["orders"]] = EVER
        self.uses = await self._fill(scope, tables)
        # A view over files reads what each of them has: with many that takes a while.
        await self._turn.run(lambda: self._make_views(tables, seen))
        if self.recall is not None:
            await self.recall.take(await self._turn.run(lambda: self._taken(tables)))
        if VISIT_PARTS.name in named:
            await self._turn.run(self._make_visits)
        if self._needs.named:
            await make_beside(self, self._scope, self._needs)
        await self.break_down()

    async def break_down(self, by: Sequence[str] = ()) -> None:
        """Gives what is counted the values of these dimensions, as `by_1` and `by_2`; else they are empty."""
        columns = {view: columns for view, columns in DERIVED_COLUMNS.items() if view in self._views}
        columns |= {name: tuple(TABLES[name].columns) for name in self._views if name in TABLES}
        if self._needs.visits:
            columns["visits"] = ()
        columns = {view: names for view, names in columns.items() if fits(view, self._needs)}

        def work() -> None:
            for view, names in columns.items():
                statement, condition = counted(view, names, self._scope, self._needs, by)
                for name, value in condition.variables.items():
                    self._turn.connection.execute(f"SET VARIABLE {name} = $1", [value])
                self._turn.connection.execute(f"CREATE OR REPLACE TEMP VIEW counted_{view} AS {statement}")

        await self._turn.run(work)

    def _make_views(self, tables: Mapping[Table, Span], named: Collection[str]) -> None:
        """Makes the views of tables, and of those that are named what a question sees."""
        connection, links = self._turn.connection, self._links
        left_out = self._scope.without_free_orders
        for table in tables:
            own = links if table is LINKS else None
            name = with_free(table.name, left_out=left_out)
            connection.execute(rows_of_days(table, self.uses, name) if own is None else own.view())
        for name, view in without_free(named, left_out=left_out).items():
            connection.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS {view}")
        self._views = set(named)
        steps = steps_of(self._spans["steps"].types) if "steps" in self._spans else ()
        for name, view in derived(named, steps).items():
            connection.execute(view)
            self._views.add(name)
        if links is not None:
            self._customers.keep(connection, links)

    def _make_visits(self) -> None:
        """Makes `visit_begins`, of which page views that the scope leaves visits of customers begin."""
        connection = self._turn.connection
        counts = scope_condition(VISIT_PARTS.columns, replace(self._scope, currency=None))
        for name, value in counts.variables.items():
            connection.execute(f"SET VARIABLE {name} = $1", [value])
        for statement in visits(self.uses, counts.sql):
            connection.execute(statement)

    async def robots(self) -> int:
        """How many events of the range the question leaves out because they are a robot's."""
        if self._asked["include_bots"]:
            return 0
        counts = [_ROBOTS.format(table=name, day=day) for name, day in _events(self._spans).items()]
        if not counts:
            return 0
        row = await self.ask_one(_ALL_ROBOTS.format(" UNION ALL ".join(counts)))
        return int(row["robots"])

    def _taken(self, tables: Mapping[Table, Span]) -> Hashable:
        """What tells the rows that were taken from any others: the files, and digests of the rest."""
        digests = []
        for table in tables:
            columns = ", ".join(name for name, _ in table.definition())
            rows = table.name if table is LINKS else f"fresh_{table.name}"
            digest = f"SELECT count(*), sum(hash({columns})), bit_xor(hash({columns})) FROM {rows}"  # noqa: S608
            digests.append((table.name, self._turn.connection.execute(digest).fetchone()))
        files = frozenset((use.unit.path.name, use.days) for use in self.uses)
        return files, tuple(digests)

    async def ask(self, statement: str, **parameters: Any) -> list[Row]:
        """The rows of a statement.

        It may name, as `$name`, what is given, and of the scope `from_at`,
        `to_at` (infinite where the range is open), `include_bots`, `source` and
        `currency`; times are TIMESTAMPs in UTC. `session_gap` is how long a
        visitor may be idle within a session.
        """
        named = self._named(statement, parameters)

        def work() -> list[Row]:
            cursor = self._turn.connection.execute(statement, named)
            names = [column[0] for column in cursor.description or ()]
            return [dict(zip(names, map(_plain, row), strict=True)) for row in cursor.fetchall()]

        return await self._turn.run(work)

    async def ask_one(self, statement: str, **parameters: Any) -> Row:
        """The one row of a statement."""
        [row] = await self.ask(statement, **parameters)
        return row

    async def keep(self, name: str, statement: str, **parameters: Any) -> None:
        """Makes the rows of a statement a table, for statements that are asked after it."""
        named = self._named(statement, parameters)
        keep = f"CREATE OR REPLACE TEMP TABLE {name} AS {statement}"
        await self._turn.run(lambda: self._turn.connection.execute(keep, named))

    async def run(self, statement: str) -> None:
        """Runs a statement that has no rows."""
        await self._turn.run(lambda: self._turn.connection.execute(statement))

    async def insert(self, name: str, columns: Mapping[str, Sequence[Any]], kinds: Mapping[str, str]) -> None:
        """Makes a table of values, whose columns have these types."""
        unnested = ", ".join(f"unnest(${column}::{kinds[column]}[]) AS {column}" for column in columns)
        made = f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT {unnested}"
        await self._turn.run(
            lambda: self._turn.connection.execute(
                made, {name: list(values) for name, values in columns.items()}
            )
        )

    def _named(self, statement: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """What a statement names, of the scope and of what is given."""
        given = self._asked | dict(parameters)
        return {name: _bound(given[name]) for name in _PARAMETER.findall(statement)}

    async def _fill(self, scope: Scope, tables: Mapping[Table, Span]) -> list[Use]:
        """Reads the rows that no file has; returns what is used of files."""
        connection = self._turn.connection
        for table in tables:
            connection.execute(create(table))
        exported = await self.snapshot.exported()
        if exported is None:
            for table, statement in _statements(scope, tables, [], citus=self.snapshot.is_citus):
                rows = await self.snapshot.fetch_plain(statement)
                await self._turn.run(lambda table=table, rows=rows: insert_rows(connection, table, rows))  # type: ignore[misc]
            return []
        versions = None if self._files is None else await read_versions(self.snapshot, scope.datasets)
        to_read = dict(tables)
        if LINKS in tables and await self._take_links(scope):
            del to_read[LINKS]
        return await self._turn.run(lambda: self._read(scope, to_read, versions, *exported))

    async def _take_links(self, scope: Scope) -> bool:
        """Takes the links that another question read, and what has changed since; False if there are none."""
        key = tuple(scope.datasets)
        moment = await self._customers.moment(self.snapshot, key)
        base = self._held.enter_context(self._customers.base(key, moment))
        changes = None
        if base is not None:
            rows = await self._customers.changed(self.snapshot, key, base.moment)
            await self._turn.run(lambda: insert_rows(self._turn.connection, LINKS, rows))
            changes = len(rows)
        self._links = Links(key, moment, base, changes)
        return base is not None

    def _read(
        self, scope: Scope, tables: Mapping[Table, Span], versions: Versions | None, url: str, snapshot: str
    ) -> list[Use]:
        uses: list[Use] = []
        by_days = {table: span for table, span in tables.items() if table.day is not None}
        if self._files is not None and versions is not None and by_days:
            # Parts of visits stand on page views, whose files have them, too.
            names = [*(table.name for table in by_days), VISIT_PARTS.name]
            between = _hull(by_days.values())
            currency = scope.project.first_currency
            used = self._files.used(scope.datasets, versions, currency, names, between)
            uses = self._held.enter_context(used)
        statements = list(_statements(scope, tables, uses, citus=self.snapshot.is_citus))
        if statements:
            with self._arrow.rows(url, snapshot) as rows:
                for table, statement in statements:
                    rows.stream(
                        statement.as_string(), self._turn.connection, _ARRIVING, insert(table, _ARRIVING)
                    )
        return uses


class FactStore:
    """Where questions get their facts."""

    def __init__(self, engine: Engine | None = None, files: FactFiles | None = None) -> None:
        """`files` are those of days that need not be read again; None for none."""
        self.engine = engine or Engine(folder=None if files is None else files.folder)
        self.files = files
        self.arrow = ArrowConnections()

    @asynccontextmanager
    async def question(self, snapshot: Snapshot, *, use_files: bool = True) -> AsyncIterator[Facts]:
        """The facts of one question, as a snapshot sees them. Raises FilesUnreadable and Overloaded."""
        async with self.engine.turn() as turn:
            with ExitStack() as held:
                yield Facts(self, turn, snapshot, held, self.files if use_files else None)

    async def answer(
        self,
        moment: Moment,
        question: Callable[[Facts], Awaitable[Result]],
        *,
        known_as: Hashable | None = None,
    ) -> Result:
        """What a question finds; read anew from PostgreSQL where a file cannot be read.

        `moment` opens the snapshot when it is the question's turn, so nobody who waits
        holds one. `known_as` names a question whose answer follows from what it takes
        and reads, so that it is kept for those who ask the same. Raises
        StoreUnavailable where DuckDB cannot use the disk even so, and Overloaded.
        """
        try:
            return await self._asked(moment, question, known_as, use_files=True)
        except FilesUnreadable:
            log.warning("A file of facts cannot be read: the report reads its days anew. [facts_failed]")
        try:
            return await self._asked(moment, question, None, use_files=False)
        except FilesUnreadable as error:
            raise StoreUnavailable from error

    async def _asked(
        self,
        moment: Moment,
        question: Callable[[Facts], Awaitable[Result]],
        known_as: Hashable | None,
        *,
        use_files: bool,
    ) -> Result:
        async with self.engine.turn() as turn, moment() as snapshot:
            with ExitStack() as held:
                facts = Facts(self, turn, snapshot, held, self.files if use_files else None)
                if known_as is None:
                    return await question(facts)
                facts.recall = Recall(turn.answers, known_as, snapshot)
                try:
                    answer = await question(facts)
                except Known as known:
                    return cast("Result", known.answer)
                facts.recall.keep(answer)
                return answer


def _statements(
    scope: Scope, tables: Mapping[Table, Span], uses: Sequence[Use], *, citus: bool
) -> Iterator[tuple[Table, sql.Composed]]:
    """What reads the rows that files do not have."""
    currency = scope.project.first_currency
    gaps: dict[tuple[Span, ...], list[int]] = {}
    for dataset in scope.datasets:
        days = {day for use in uses if use.unit.dataset == dataset for day in use.days}
        gaps.setdefault(tuple(outside(days)), []).append(dataset)
    for table, span in tables.items():
        if table.day is None:
            yield table, statement_of(table, scope.datasets, EVER, currency, citus=citus)
            continue
        for spans, datasets in gaps.items():
            for gap in filter(None, (each.within(span) for each in spans)):
                yield table, statement_of(table, datasets, gap, currency, citus=citus)


def _events(spans: Mapping[str, Span]) -> dict[str, str]:
    """Where the events of tables that a report asks for are, each in one place, with their time."""
    found = {}
    # The lines of orders and refunds are no events of their own.
    for name in set(spans) & set(TABLES):
        day = TABLES[name].day
        if day is not None and "event_id" in TABLES[name].columns and not name.endswith("_lines"):
            found[name] = day
    if "steps" in spans:
        parts = steps_of(spans["steps"].types)
        found = {name: day for name, day in found.items() if name in STEPS and name not in parts}
        found["steps"] = "occurred_at"
    return found


def _tables(spans: Mapping[str, Span]) -> dict[Table, Span]:
    """The tables that are read for those that are asked for, with their times."""
    found: dict[Table, Span] = {}
    for name, span in spans.items():
        read = {"steps": steps_of(span.types), VISIT_PARTS.name: ["page_views"]}.get(name, [name])
        for each in read:
            found[TABLES[each]] = span.with_all_of(found.get(TABLES[each]))
    return found


def _hull(spans: Iterable[Span]) -> tuple[date, date]:
    """The days that lie in any of these times, and those between them."""
    begins, ends = zip(*((span.begin, span.end) for span in spans), strict=True)
    return (
        date.min if None in begins else min(begin.astimezone(UTC).date() for begin in begins),
        date.max if None in ends else max(end.astimezone(UTC).date() for end in ends),
    )


def within(scope: Scope) -> Span:
    """The range of a scope."""
    return Span(scope.from_at, scope.to_at)


def until(scope: Scope) -> Span:
    """All time before the range's end."""
    return Span(None, scope.to_at)


__all__ = ["EVER", "FactStore", "Facts", "Row", "Span", "until", "within"]


def _naive(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)


def _bound(value: Any) -> Any:
    if isinstance(value, datetime):
        return value if value.tzinfo is None else _naive(value)
    if isinstance(value, list):
        return [_bound(each) for each in value]
    return value


def _plain(value: Any) -> Any:
    """Times with their zone, and amounts with their digits."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC)
    if isinstance(value, dict) and value.keys() == {"sum", "digits"}:
        return _EXACT.quantize(value["sum"], Decimal(1).scaleb(-value["digits"]))
    return value
