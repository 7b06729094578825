"""The events whose verdict depends on what is stored: identities, orders, emails, parcels, refunds.

One Decisions object handles the events of one dataset in one transaction, under
the dataset's lock, so that what it reads stays true until it commits.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.rows import dict_row

from shopalytic.events.violations import Violation
from shopalytic.v1 import collector_pb2
from shopalytic_server.domain.commerce.orders import (
    Occurrence,
    OrderBook,
    Placed,
    content_of,
    states_something,
)
from shopalytic_server.domain.customers.identity import Anchor, Fact, IdentityGraph, IdentityTaken, Outcome
from shopalytic_server.domain.formats.plain_forms import is_plain
from shopalytic_server.domain.ingest.preparation import Prepared
from shopalytic_server.domain.ingest.verdicts import verdict
from shopalytic_server.storage.database.connections import Connection
from shopalytic_server.storage.database.queries import load
from shopalytic_server.storage.ingest import rows as typed
from shopalytic_server.storage.ingest.emails import Emails
from shopalytic_server.storage.ingest.identities import StoredIdentities
from shopalytic_server.storage.ingest.plain_links import Linked, store_plain_links
from shopalytic_server.storage.ingest.settlement import date_orders, settle_orders

_SQL = load("ingest/ingest")

ACCEPTED = collector_pb2.EVENT_STATUS_ACCEPTED
DUPLICATE = collector_pb2.EVENT_STATUS_DUPLICATE
CONFLICT = collector_pb2.EVENT_STATUS_CONFLICT

_OUTCOMES = {
    Outcome.LINKED: collector_pb2.LINK_OUTCOME_LINKED,
    Outcome.ALREADY_LINKED: collector_pb2.LINK_OUTCOME_ALREADY_LINKED,
    Outcome.MERGED: collector_pb2.LINK_OUTCOME_MERGED,
    Outcome.NOT_MERGED: collector_pb2.LINK_OUTCOME_NOT_MERGED,
    Outcome.UNDONE: collector_pb2.LINK_OUTCOME_NOT_MERGED,
}
_REASONS = {
    Outcome.NOT_MERGED: collector_pb2.NOT_MERGED_REASON_TRACKING_ID_OWNED_BY_ANOTHER,
    Outcome.UNDONE: collector_pb2.NOT_MERGED_REASON_UNDONE,
}

# So many are decided before others have their turn.
_DECIDED_A_STEP = 50

DECIDED_TYPES = frozenset(
    {
        "customer_register",
        "customer_update",
        "identify",
        "alias",
        "order",
        "order_cancel",
        "refund",
        "shipment",
        "shipment_delivered",
    }
)


def needs_decision(item: Prepared) -> bool:
    """Whether an event can be stored only under the dataset's lock.

    An identity that is a form of an address joins the plain one, whatever carries it.
    """
    return item.type in DECIDED_TYPES or has_form(item)


def has_form(item: Prepared) -> bool:
    """Whether an event carries an identity that is another form of an e-mail address."""
    identity = item.identity
    return identity is not None and not is_plain(identity)


class Decisions:
    """Decides on events one after the other, as if each had come alone.

    Who calls it has locked the dataset. `trusted` says that the events were
    accepted before (a rebuild): nothing is refused again, and no lock is needed.
    """

    def __init__(
        self, conn: Connection, dataset: int, items: Sequence[Prepared], *, trusted: bool = False
    ) -> None:
        self._conn = conn
        self._dataset = dataset
        self._items = items
        self._trusted = trusted
        self._rows = typed.Rows()
        self._identities = StoredIdentities(dataset, noted=not trusted)
        # What is stored of the calls that need no graph, by their event keys.
        self._linked_already: dict[bytes, Linked] = {}
        self._past: set[str] = set()
        self._emails = Emails(conn, dataset, trusted=trusted)
        self._parcels: dict[str, str] = {}
        self._book = OrderBook()
        self._stored_orders: set[str] = set()
        self._stated_orders: set[str] = set()
        self._statements: set[UUID] = set()
        self._new_orders: dict[tuple[str, UUID], Prepared] = {}
        self._touched_orders: set[str] = set()
        self._dropped: set[bytes] = set()
        self._named: set[str] = set()
        self.vacated: set[UUID] = set()
        """Subjects that lost an event to an earlier one with the same content."""
        self.times: set[datetime] = set()
        """When the orders and refunds count, before and after, that the events have changed."""

    async def decide(self) -> tuple[list[collector_pb2.EventResult], list[Prepared]]:
        """Returns the verdicts, in order, and the events that are to be stored."""
        await self._load()
        results, accepted = [], []
        for place, item in enumerate(self._items):
            if place % _DECIDED_A_STEP == _DECIDED_A_STEP - 1:
                await asyncio.sleep(0)
            result, keep = await self._decide(item)
            results.append(result)
            if keep:
                accepted.append(item)
                if item.identity in self._named:
                    self._see(item.identity, item)
        await self._finish()
        return results, [item for item in accepted if item.event_key not in self._dropped]

    def _see(self, identity: str, item: Prepared) -> None:
        if not is_plain(identity) and identity not in self._identities.graph.first_at:
            self._emails.forget()
        self._identities.graph.seen(identity, item.occurred_at, item.place)

    async def _load(self) -> None:
        if not self._trusted:
            self._linked_already = await store_plain_links(self._conn, self._dataset, self._items)
        calls = [item for item in self._of("identify", "alias") if item.event_key not in self._linked_already]
        ids = {item.tracking_id for item in calls if item.tracking_id}
        self._named = {item.properties["identity"] for item in calls}
        self._named |= {item.identity for item in self._of("alias") if item.identity}
        self._named |= {item.identity for item in self._items if item.identity and has_form(item)}
        if ids or self._named:
            if self._trusted:
                await self._identities.load_undone(self._conn)
            await self._identities.load(self._conn, ids, self._named)
            uses = [(item.properties["identity"], item.occurred_at) for item in self._of("alias")]
            await self._identities.load_first_uses(self._conn, uses)
            self._past = await self._identities.with_events(self._conn, ids)
        await self._emails.load(self._items)
        orders = {item.order_key for item in self._of("order", "order_cancel")}
        if orders:
            await self._load_orders(orders)
        parcels = {item.parcel_key for item in self._of("shipment", "shipment_delivered")}
        if parcels:
            rows = await self._fetch(_SQL.shipment_orders, shipment_ids=list(parcels))
            self._parcels = {row["shipment_id"]: row["order_id"] for row in rows}

    async def _load_orders(self, order_ids: set[str]) -> None:
        for row in await self._fetch(_SQL.order_contents, order_ids=list(order_ids)):
            self.times |= {row["occurred_at"], row["ordered_at"]}
            if row["content"] is None:
                self._stated_orders.add(row["order_id"])
                self._statements.add(row["event_id"])
                continue
            occurrence = Occurrence(row["occurred_at"], row["event_id"], row["subject"], row["tie_breaker"])
            self._book.place(row["order_id"], row["content"], occurrence)
            self._stored_orders.add(row["order_id"])

    async def _decide(self, item: Prepared) -> tuple[collector_pb2.EventResult, bool]:
        match item.type:
            case "identify":
                return self._identify(item), True
            case "alias":
                return self._alias(item)
            case "order":
                return await self._order(item)
            case "order_cancel":
                self._state(item)
            case "refund":
                typed.add_refund(self._rows, item)
                self._touched_orders.add(item.order_key)
            case "shipment" | "shipment_delivered":
                return self._shipment(item)
            case _:
                return await self._profile(item)
        return verdict(item, ACCEPTED), True

    def _identify(self, item: Prepared) -> collector_pb2.EventResult:
        if (linked := self._linked_already.get(item.event_key)) is not None:
            result = verdict(item, ACCEPTED)
            set_link(result, *linked)
            return result
        outcome = stated(self._identities.graph, item, has_past=item.tracking_id in self._past)
        return self._linked(item, item.properties["identity"], outcome)

    def _alias(self, item: Prepared) -> tuple[collector_pb2.EventResult, bool]:
        try:
            outcome = stated(self._identities.graph, item, trusted=self._trusted)
        except IdentityTaken:
            return identity_taken(item), False
        return self._linked(item, item.properties["identity"], outcome), True

    def _linked(self, item: Prepared, identity: str, outcome: Outcome) -> collector_pb2.EventResult:
        self._emails.forget()
        result = verdict(item, ACCEPTED)
        set_link(result, outcome, self._identities.customer_id(identity))
        return result

    def _state(self, item: Prepared) -> None:
        order_id = item.order_key
        self._touched_orders.add(order_id)
        self._stated_orders.add(order_id)
        if item.event_id not in self._statements:
            self._statements.add(item.event_id)
            typed.add_order_statement(self._rows, item)

    async def _order(self, item: Prepared) -> tuple[collector_pb2.EventResult, bool]:
        states = states_something(item.properties)
        if states:
            self._state(item)
        repeated = verdict(item, ACCEPTED if states else DUPLICATE)
        order_id, content = item.order_key, content_of(item.properties)
        occurrence = Occurrence(item.occurred_at, item.event_id, item.subject, item.tie_breaker)
        placed, replaced = self._book.place(order_id, content, occurrence)
        if placed is Placed.REPEATED:
            return repeated, states
        self._touched_orders.add(order_id)
        self.times |= {item.occurred_at, typed.order_time(item)}
        if placed is Placed.REVISION:
            self._new_orders[order_id, content] = item
            return verdict(item, ACCEPTED), True
        # The same content happened earlier than was known: that event stands
        # for it from now on, so that the order of arrival makes no difference.
        if (order_id, content) in self._new_orders:
            before = self._new_orders[order_id, content]
            if not states_something(before.properties):
                self._dropped.add(before.event_key)
                self.vacated.add(before.subject)
            self._new_orders[order_id, content] = item
        elif replaced is not None:
            await self._move_revision(item, order_id, content, replaced)
        return repeated, True

    async def _move_revision(
        self, item: Prepared, order_id: str, content: UUID, replaced: Occurrence
    ) -> None:
        where = {"dataset": self._dataset, "order_id": order_id, "content": content}
        if replaced.event_id != item.event_id and replaced.event_id not in self._statements:
            self._dropped.add(replaced.event_id.bytes)
            self.vacated.add(replaced.subject)
            await self._conn.execute(_SQL.delete_event, {"dataset": self._dataset, **replaced._asdict()})
        await self._conn.execute(
            _SQL.move_revision,
            {
                **where,
                "event_id": item.event_id,
                "occurred_at": item.occurred_at,
                "tie_breaker": item.tie_breaker,
                "subject": item.subject,
                "source": item.source,
                "bot": item.bot,
                "ordered_at": typed.order_time(item),
                "dated": "order_date" in item.properties,
            },
        )

    def _shipment(self, item: Prepared) -> tuple[collector_pb2.EventResult, bool]:
        own = item.order_key
        order_id = self._parcels.setdefault(item.parcel_key, own)
        if order_id != own and not self._trusted:
            message = "is already the id of another order's parcel; shipment ids are unique in a project"
            return _conflict(item, f"{item.type}.shipment_id", "shipment_id.conflict", message), False
        typed.add_shipment(self._rows, item)
        self._touched_orders.add(own)
        return verdict(item, ACCEPTED), True

    async def _profile(self, item: Prepared) -> tuple[collector_pb2.EventResult, bool]:
        if "email" in item.properties:
            if self._emails.has_rival(item) and await self._email_taken(item):
                message = "is another customer's; nothing of the event was applied"
                return _conflict(item, f"{item.type}.email", "email.taken", message), False
            self._emails.add(item)
        typed.add_profile(self._rows, item)
        return verdict(item, ACCEPTED), True

    async def _email_taken(self, item: Prepared) -> bool:
        if not self._emails.knows(item):
            # The answer lies in SQL, so what this group has decided goes there first.
            await self._identities.save(self._conn)
            await self._rows.write(self._conn)
            await self._emails.settle()
        own = self._identities.customer_id(item.identity) if item.identity and has_form(item) else None
        return await self._emails.is_taken(item, own)

    async def _finish(self) -> None:
        await self._identities.save(self._conn)
        for (order_id, content), item in self._new_orders.items():
            typed.add_order(self._rows, item, content, current=self._book.current(order_id) == content)
        await self._rows.write(self._conn)
        changed = self._touched_orders & (self._stored_orders | self._stated_orders)
        if changed:
            parameters = {"dataset": self._dataset, "order_ids": list(changed)}
            await self._conn.execute(_SQL.mark_current, parameters)
        if revised := [each for each in self._touched_orders if len(self._book.contents.get(each, ())) > 1]:
            self.times |= await date_orders(self._conn, self._dataset, revised)
        await self._emails.settle()
        if self._touched_orders:
            settled = settle_orders(
                self._conn, self._dataset, self._items[0].sending.first_currency, self._touched_orders
            )
            self.times.update(await settled)

    def _of(self, *types: str) -> list[Prepared]:
        return [item for item in self._items if item.type in types]

    async def _fetch(self, statement: str, **parameters: Any) -> list[dict[str, Any]]:
        async with self._conn.cursor(row_factory=dict_row) as cursor:
            await cursor.execute(statement, {"dataset": self._dataset, **parameters})
            return await cursor.fetchall()


def anchor_of(item: Prepared) -> Anchor | None:
    """What an identify or alias joins its identity to; None for one that only names it."""
    if item.type == "alias" and item.identity:
        return Anchor(item.identity, "")
    return Anchor("", item.tracking_id) if item.tracking_id else None


def stated(graph: IdentityGraph, item: Prepared, *, has_past: bool = False, trusted: bool = False) -> Outcome:
    """States in the graph what an identify or alias says; raises IdentityTaken."""
    identity, anchor = item.properties["identity"], anchor_of(item)
    fact = Fact(item.occurred_at, item.event_id, item.received_at, item.type, item.tie_breaker)
    if anchor is None:
        outcome = Outcome.ALREADY_LINKED if identity in graph.first_at else Outcome.LINKED
        graph.seen(identity, item.occurred_at, item.place)
        return outcome
    if item.type == "alias":
        return graph.alias(identity, anchor, fact, trusted=trusted)
    return graph.identify(anchor.tracking_id, identity, fact, has_past=has_past)


def identity_taken(item: Prepared) -> collector_pb2.EventResult:
    """The verdict on an alias whose identity is another customer's."""
    message = "belongs to another customer; nothing was joined"
    return _conflict(item, "alias.identity", "alias.identity_taken", message)


async def lock_dataset(conn: Connection, dataset: int) -> None:
    """Waits until no other transaction decides on this dataset, and keeps others waiting until COMMIT."""
    await conn.execute(_SQL.lock_dataset, {"dataset": dataset})


def set_link(result: collector_pb2.EventResult, outcome: Outcome, customer_id: UUID) -> None:
    """Says in a verdict what an identify or alias did."""
    result.link.outcome = _OUTCOMES[outcome]
    result.link.customer_id = str(customer_id)
    if outcome in _REASONS:
        result.link.reason = _REASONS[outcome]


def _conflict(item: Prepared, field: str, rule_id: str, message: str) -> collector_pb2.EventResult:
    return verdict(item, CONFLICT, [Violation(field, rule_id, message)])
