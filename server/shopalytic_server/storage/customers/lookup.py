"""Finds customers, and the identities, devices and facts that make them up."""

from collections.abc import AsyncIterator, Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from shopalytic.v1.reports_pb2 import CustomerSelector, Link
from shopalytic_server.domain.customers.identity import identity_subject, tracking_subject
from shopalytic_server.domain.errors import NotFound
from shopalytic_server.domain.formats.plain_forms import plain_form
from shopalytic_server.storage.database.queries import load
from shopalytic_server.storage.database.reading import Snapshot
from shopalytic_server.storage.database.times import timestamp

_SQL = load("customers/customers")


class Found(NamedTuple):
    """A customer that exists. An anonymous visitor has a tracking id of their own."""

    customer_id: UUID
    anonymous_tracking_id: str | None = None


class Joined(NamedTuple):
    """A fact: a call joined a tracking id to an identity, or an identity to another one."""

    occurred_at: datetime
    event_id: UUID
    identity: str
    kind: str
    tracking_id: str
    existing_identity: str
    undone: bool = False


@dataclass(slots=True)
class Person:
    """A customer's identities, own tracking ids, and facts, each oldest first."""

    customer_id: UUID
    identities: list[str] = field(default_factory=list)
    named_at: list[datetime] = field(default_factory=list)
    tracking_ids: list[str] = field(default_factory=list)
    subjects: list[UUID] = field(default_factory=list)
    facts: list[Joined] = field(default_factory=list)


def link(person: Person, fact: Joined) -> Link:
    """A fact as reports tell of it."""
    return Link(
        tracking_id=fact.tracking_id or None,
        identity=fact.identity,
        kind=fact.kind,
        occurred_at=timestamp(fact.occurred_at),
        event_id=str(fact.event_id),
        existing_identity=fact.existing_identity or None,
        # An identity that was joined to an identity shares nobody's computer.
        owner=not fact.undone and (not fact.tracking_id or fact.tracking_id in person.tracking_ids),
    )


async def find(snapshot: Snapshot, dataset: int, selector: CustomerSelector) -> Found:
    """The customer that a selector names, `any` also by an order or a parcel; raises NotFound."""
    return await _first(snapshot, dataset, selector, _subjects, _subjects_of_orders)


async def _first(
    snapshot: Snapshot, dataset: int, selector: CustomerSelector, *ways: Callable[..., AsyncIterator[UUID]]
) -> Found:
    candidates = [subject for way in ways async for subject in way(snapshot, dataset, selector)]
    for subject in candidates:
        parameters = {"dataset": dataset, "subject": subject}
        if row := await snapshot.fetch_one(_SQL.customer_of_subject, **parameters):
            return Found(row["customer_id"])
        if row := await snapshot.fetch_one(_SQL.anonymous_visitor, **parameters):
            return Found(row["customer_id"], row["tracking_id"])
    raise NotFound(
        f"No customer has this {_named(selector, ways)}; check it, and whether it is sandbox data."
    )


def _named(selector: CustomerSelector, ways: Collection[object]) -> str:
    by = selector.WhichOneof("by")
    if by != "any":
        return str(by).replace("_", " ")
    if _subjects_of_orders in ways:
        return "identity, tracking id, email, customer id, order number or parcel number"
    return "identity, tracking id, email or customer id"


async def find_held(snapshot: Snapshot, dataset: int, selector: CustomerSelector) -> Found:
    """As `find`, and also an anonymous visitor whose events were all removed after their time.

    Reports know nothing of one, but sums of page views are held. By an order or a parcel it finds
    somebody only where the selector says so: what is erased or exported must be meant.
    """
    by = selector.WhichOneof("by")
    ways = (_subjects,) if by == "any" else (_subjects, _subjects_of_orders)
    try:
        return await _first(snapshot, dataset, selector, *ways)
    except NotFound:
        tracking_id: str = getattr(selector, by or "any")
        subject = tracking_subject(tracking_id)
        if by in ("tracking_id", "any") and await snapshot.fetch_one(
            _SQL.summed_up, dataset=dataset, subject=subject
        ):
            return Found(subject, tracking_id)
        raise


async def _subjects(snapshot: Snapshot, dataset: int, selector: CustomerSelector) -> AsyncIterator[UUID]:
    """The subjects that a selector may mean, the likeliest first."""
    by = selector.WhichOneof("by")
    value: str = getattr(selector, by or "any")
    if by in ("customer_id", "any") and (customer_id := _uuid(value)):
        yield customer_id
    if by in ("identity", "any"):
        yield identity_subject(value)
        yield identity_subject(plain_form(value))
    if by in ("tracking_id", "any"):
        yield tracking_subject(value)
    if by in ("email", "any"):
        row = await snapshot.fetch_one(_SQL.subject_of_email, dataset=dataset, email=plain_form(value))
        if row is not None:
            yield row["subject"]


async def _subjects_of_orders(
    snapshot: Snapshot, dataset: int, selector: CustomerSelector
) -> AsyncIterator[UUID]:
    """The subjects whose order or parcel has this number, the order's own customer first."""
    by = selector.WhichOneof("by")
    value: str = getattr(selector, by or "any")
    order_ids: list[str] = []
    if by in ("order_id", "any"):
        rows = await snapshot.fetch(_SQL.orders_of_number, dataset=dataset, number=value)
        order_ids = [row["order_id"] for row in rows]
    if by in ("parcel", "any"):
        rows = await snapshot.fetch(_SQL.orders_of_parcel, dataset=dataset, number=value)
        order_ids += [row["order_id"] for row in rows]
    if order_ids:
        for row in await snapshot.fetch(_SQL.subjects_of_orders, dataset=dataset, order_ids=order_ids):
            yield row["subject"]


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


async def load_people(snapshot: Snapshot, dataset: int, found: Sequence[Found]) -> list[Person]:
    """Who these customers are, in their order."""
    people = {customer.customer_id: Person(customer.customer_id) for customer in found}
    by_identity = await _add_identities(snapshot, dataset, people)
    await _add_tracking_links(snapshot, dataset, by_identity)
    for customer in found:
        if customer.anonymous_tracking_id is not None:
            people[customer.customer_id].subjects.append(customer.customer_id)
            people[customer.customer_id].tracking_ids.append(customer.anonymous_tracking_id)
    return list(people.values())


async def _add_identities(snapshot: Snapshot, dataset: int, people: dict[UUID, Person]) -> dict[str, Person]:
    by_identity = {}
    for row in await snapshot.fetch(_SQL.identities, dataset=dataset, customer_ids=list(people)):
        person = by_identity[row["identity"]] = people[row["customer_id"]]
        person.identities.append(row["identity"])
        person.named_at.append(row["first_at"])
        person.subjects.append(row["subject"])
    return by_identity


async def _add_tracking_links(snapshot: Snapshot, dataset: int, by_identity: dict[str, Person]) -> None:
    for row in await snapshot.fetch(_SQL.tracking_links, dataset=dataset, identities=list(by_identity)):
        person = by_identity[row["identity"]]
        if row["owner"]:
            person.tracking_ids.append(row["tracking_id"])
            person.subjects.append(row["subject"])
        person.facts.append(
            Joined(
                row["occurred_at"],
                row["event_id"],
                row["identity"],
                row["kind"],
                row["tracking_id"],
                "",
                row["undone"],
            )
        )


async def add_aliases(snapshot: Snapshot, dataset: int, people: Sequence[Person]) -> None:
    """Adds the facts of alias calls, which load_people leaves out, and of forms of addresses."""
    by_identity = {identity: person for person in people for identity in person.identities}
    for row in await snapshot.fetch(_SQL.alias_links, dataset=dataset, identities=list(by_identity)):
        fact = Joined(
            row["occurred_at"],
            row["event_id"],
            row["identity"],
            row["kind"],
            row["existing_tracking_id"],
            row["existing_identity"],
            row["undone"],
        )
        facts = by_identity[row["identity"]].facts
        # An alias of a tracking id states a link of it too, often the same one.
        if fact not in facts:
            facts.append(fact)
    for person in people:
        person.facts.sort()
