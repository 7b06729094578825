"""Lists of customers: searched, filtered, sorted and paged.

Amounts are added up from all orders at each question, which stays within a
second for some hundred thousand customers. When customers were last seen is
read from the newest events backwards, only as far as a page needs.
"""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg import sql

from shopalytic.events.violations import Violation
from shopalytic.v1 import reports_pb2
from shopalytic_server.domain.datasets import Dataset
from shopalytic_server.domain.errors import InvalidRequest
from shopalytic_server.domain.formats.plain_forms import plain_form
from shopalytic_server.domain.projects import EVENT_TYPES, Project
from shopalytic_server.storage.customers.lookup import Found, add_aliases, load_people
from shopalytic_server.storage.customers.profile import describe
from shopalytic_server.storage.customers.rfm import RfmQuintiles
from shopalytic_server.storage.database.engines import text_for
from shopalytic_server.storage.database.paging import page_size, read_token, write_token
from shopalytic_server.storage.database.queries import load
from shopalytic_server.storage.database.reading import Snapshot

_SQL = load("customers/listing")
_PARTS = {name: sql.SQL(getattr(_SQL, name)) for name in ("members", "indexed_identity", "indexed_profile")}
_ALL = sql.SQL("true")

# Shorter texts are in no index; the tables of names are then read.
_INDEXED_LENGTH = 3
# Calls of identify and alias count through the facts that they stated.
_SEEN_BY = sorted(set(EVENT_TYPES) - {"identify", "alias"})
_FIRST_LOOK = timedelta(hours=1)
_WIDER = 8
_LONGEST_LOOK = timedelta(days=3_000)

_LISTS = {
    reports_pb2.CUSTOMER_ORDER_UNSPECIFIED: _SQL.by_id,
    reports_pb2.CUSTOMER_ORDER_LAST_SEEN: _SQL.by_last_seen,
}
_KEYS = {
    reports_pb2.CUSTOMER_ORDER_NET: _SQL.key_of_net,
    reports_pb2.CUSTOMER_ORDER_ORDERS: _SQL.key_of_orders,
    reports_pb2.CUSTOMER_ORDER_LAST_ORDER: _SQL.key_of_last_order,
    reports_pb2.CUSTOMER_ORDER_RFM: _SQL.key_of_rfm,
}

_Rows = list[dict[str, Any]]


async def list_customers(
    snapshot: Snapshot,
    project: Project,
    request: reports_pb2.ListCustomersRequest,
    quintiles: RfmQuintiles | None = None,
) -> reports_pb2.ListCustomersResponse:
    """A page of the identified customers; raises InvalidRequest. `quintiles` may know those of before."""
    dataset = Dataset.of(project, request.sandbox)
    if request.HasField("min_net") and not request.HasField("currency"):
        message = "is needed with min_net; send the code of the currency that the amount is in"
        raise InvalidRequest([Violation("currency", "list_customers.currency", message)])
    key, customer_id = read_token(request, project, _parse_position) or (None, None)
    quintiles, currency = quintiles or RfmQuintiles(), request.currency or project.currency
    cuts: _Rows = []
    if request.order_by == reports_pb2.CUSTOMER_ORDER_RFM:
        cuts = await quintiles.cuts(snapshot, dataset, currency)
    question = _Question(snapshot, project, request, key, customer_id, cuts)
    rows = await question.rows()
    page = rows[: page_size(request)]
    people = await load_people(snapshot, dataset, [Found(row["customer_id"]) for row in page])
    await add_aliases(snapshot, dataset, people)
    response = reports_pb2.ListCustomersResponse(
        customers=await describe(snapshot, dataset, people, quintiles=quintiles, currency=currency),
        currency=currency,
    )
    if not request.page_token:
        response.total_customers = await question.total()
    if len(rows) > len(page):
        response.next_page_token = write_token(request, project, _position(page[-1]))
    return response


class _Question:
    """A list that is asked for, from a position on."""

    def __init__(
        self,
        snapshot: Snapshot,
        project: Project,
        request: reports_pb2.ListCustomersRequest,
        key: str | None,
        customer_id: UUID | None,
        cuts: _Rows,
    ) -> None:
        self._snapshot = snapshot
        self._request = request
        search = plain_form(request.search)
        words = search.split() or [search]
        self._longest_word = max(words, key=len)
        self._parameters: dict[str, Any] = {
            "dataset": Dataset.of(project, request.sandbox),
            "search": search,
            "words": words,
            "longest_word": self._longest_word,
            "min_orders": request.min_orders,
            "min_net": request.min_net,
            "currency": request.currency or project.currency,
            "country": request.country,
            "seen_after": self._time("seen_after"),
            "seen_before": self._time("seen_before"),
            "types": _SEEN_BY,
            "after_key": key,
            "after_id": customer_id or UUID(int=0),
            "limit": page_size(request) + 1,
            **{f"cuts_{name}": [cut[name] for cut in cuts] for name in ("last_at", "orders", "net")},
        }

    async def rows(self) -> _Rows:
        """The customers of a page, and one more if there is one."""
        if self._request.search:
            return await self._read(since=None)
        if self._request.order_by != reports_pb2.CUSTOMER_ORDER_LAST_SEEN:
            return await self._read(since=self._earliest())
        if self._request.ascending:
            return await self._read(since=self._parameters["seen_after"])
        if {"min_orders", "min_net", "country"} & {field.name for field, _ in self._request.ListFields()}:
            # They may be few and far between, and adding up at each look costs more.
            return await self._read(since=self._parameters["seen_after"])
        return await self._latest(self._parameters["seen_after"])

    async def total(self) -> int:
        """How many customers the whole list has."""
        statement = sql.SQL(_SQL.total).format(**self._parts(), base=self._base(), where=self._where())
        since = None if self._request.search else self._earliest()
        found = await self._snapshot.fetch_one(statement, **self._parameters, since=_moment(since))
        return 0 if found is None else int(found["customers"])

    def _earliest(self) -> datetime | None:
        """From when on it matters when customers were seen."""
        bounds = [self._parameters[name] for name in ("seen_after", "seen_before") if self._parameters[name]]
        return min(bounds, default=None)

    async def _latest(self, seen_after: datetime | None) -> _Rows:
        """Those last seen, looking further back until a page is full."""
        found = await self._snapshot.fetch_one(_SQL.newest_event, **self._parameters)
        newest: datetime | None = found["newest"] if found else None
        look = _FIRST_LOOK
        while newest is not None and look < _LONGEST_LOOK:
            since = newest - look
            if seen_after is not None and since <= seen_after:
                return await self._read(since=seen_after)
            rows = await self._read(since=since)
            if len(rows) == self._parameters["limit"]:
                return rows
            look *= _WIDER
        return await self._read(since=seen_after)

    async def _read(self, *, since: datetime | None) -> _Rows:
        order_by, ascending = self._request.order_by, self._request.ascending
        statement = sql.SQL(_SQL.page).format(
            **self._parts(),
            list=sql.SQL(_LISTS.get(order_by, _SQL.by_worth)).format(
                where=self._where(),
                base=self._base(),
                key=sql.SQL(_KEYS.get(order_by, "NULL")),
                before=sql.SQL(">" if ascending else "<"),
                direction=sql.SQL("ASC" if ascending else "DESC"),
            ),
        )
        return await self._snapshot.fetch(statement, **self._parameters, since=_moment(since))

    def _parts(self) -> dict[str, sql.Composable]:
        return {
            "found": self._found(),
            "worth": sql.SQL(_SQL.worth).format(**_PARTS),
            "recent": self._recent(),
        }

    def _base(self) -> sql.Composable:
        return sql.SQL(_SQL.only_found if self._request.search else _SQL.every)

    def _found(self) -> sql.Composable:
        if not self._request.search:
            return sql.SQL(_SQL.found_nothing)
        # Where the longest word is too short for the index, so may the whole text be.
        if len(self._longest_word) < _INDEXED_LENGTH:
            return sql.SQL(_SQL.found).format(indexed_identity=_ALL, indexed_profile=_ALL)
        return sql.SQL(_SQL.found).format(**_PARTS)

    def _recent(self) -> sql.Composable:
        if self._request.search:
            return sql.SQL(text_for(_SQL.recent_of_found, citus=self._snapshot.is_citus))
        return sql.SQL(_SQL.recent_since).format(**_PARTS)

    def _where(self) -> sql.Composable:
        asked = {
            _SQL.where_orders: self._request.min_orders > 0,
            _SQL.where_net: self._request.HasField("min_net"),
            _SQL.where_country: self._request.HasField("country"),
            _SQL.where_seen_after: self._request.HasField("seen_after"),
            _SQL.where_seen_before: self._request.HasField("seen_before"),
        }
        chosen = [sql.SQL(condition) for condition, is_asked in asked.items() if is_asked]
        return sql.SQL(" AND ").join(chosen or [_ALL])

    def _time(self, name: str) -> datetime | None:
        time = getattr(self._request, name)
        return time.ToDatetime(UTC) if self._request.HasField(name) else None


def _moment(since: datetime | None) -> str:
    return "-infinity" if since is None else since.isoformat()


def _position(row: dict[str, Any]) -> str:
    key = row["key"]
    text = "" if key is None else key.isoformat() if isinstance(key, datetime) else f"{key:f}"
    return f"{text} {row['customer_id']}"


def _parse_position(text: str) -> tuple[str | None, UUID]:
    key, _, customer_id = text.partition(" ")
    return key or None, UUID(customer_id)
