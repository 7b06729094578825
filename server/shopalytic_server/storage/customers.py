"""Customers as reports tell of them: who they are, what was said of them, what they are worth."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from google.protobuf.timestamp_pb2 import Timestamp

from shopalytic.v1 import reports_pb2
from shopalytic_server.domain.amounts import difference, text
from shopalytic_server.storage.paging import page_size, read_token, write_token
from shopalytic_server.storage.people import Found, Joined, Person, add_aliases, find, load_people
from shopalytic_server.storage.queries import load
from shopalytic_server.storage.reading import Snapshot

_SQL = load("customers")


async def get_customer(
    snapshot: Snapshot, dataset: int, request: reports_pb2.GetCustomerRequest
) -> reports_pb2.GetCustomerResponse:
    """Everything known of one customer; raises NotFound."""
    found = await find(snapshot, dataset, request.customer)
    people = await load_people(snapshot, dataset, [found])
    [customer] = await _describe(snapshot, dataset, people)
    customer.links.extend(_link(people[0], fact) for fact in people[0].facts)
    return reports_pb2.GetCustomerResponse(customer=customer)


async def list_customers(
    snapshot: Snapshot, dataset: int, request: reports_pb2.ListCustomersRequest
) -> reports_pb2.ListCustomersResponse:
    """A page of the identified customers, by customer id."""
    size = page_size(request)
    after = read_token(request, dataset, UUID) or UUID(int=0)
    rows = await snapshot.fetch(_SQL.page_of_customers, dataset=dataset, after=after, limit=size + 1)
    found = [Found(row["customer_id"]) for row in rows[:size]]
    people = await load_people(snapshot, dataset, found)
    response = reports_pb2.ListCustomersResponse(customers=await _describe(snapshot, dataset, people))
    if len(rows) > size:
        response.next_page_token = write_token(request, dataset, str(found[-1].customer_id))
    return response


@dataclass(slots=True)
class _Value:
    orders: int = 0
    gross: Decimal = Decimal(0)
    refunds: Decimal = Decimal(0)


async def _describe(snapshot: Snapshot, dataset: int, people: Sequence[Person]) -> list[reports_pb2.Customer]:
    await add_aliases(snapshot, dataset, people)
    parameters = {
        "dataset": dataset,
        "customer_ids": [person.customer_id for person in people for _ in person.subjects],
        "subjects": [subject for person in people for subject in person.subjects],
    }
    profiles = {row["customer_id"]: row for row in await snapshot.fetch(_SQL.profiles, **parameters)}
    seen = {row["customer_id"]: row for row in await snapshot.fetch(_SQL.seen, **parameters)}
    values = await _values(snapshot, parameters)
    return [
        _customer(
            person,
            profiles.get(person.customer_id, {}),
            seen.get(person.customer_id, {}),
            values[person.customer_id],
        )
        for person in people
    ]


async def _values(snapshot: Snapshot, parameters: dict[str, Any]) -> dict[UUID, dict[str, _Value]]:
    values: dict[UUID, dict[str, _Value]] = defaultdict(lambda: defaultdict(_Value))
    for row in await snapshot.fetch(_SQL.orders, **parameters):
        value = values[row["customer_id"]][row["currency"]]
        value.orders, value.gross = row["orders"], row["gross"]
    for row in await snapshot.fetch(_SQL.refunds, **parameters):
        values[row["customer_id"]][row["currency"]].refunds = row["refunds"]
    return values


def _customer(
    person: Person, profile: dict[str, Any], seen: dict[str, Any], values: dict[str, _Value]
) -> reports_pb2.Customer:
    customer = reports_pb2.Customer(
        customer_id=str(person.customer_id),
        identities=person.identities,
        tracking_ids=person.tracking_ids,
        profile=_profile(profile),
    )
    for currency, value in sorted(values.items()):
        customer.values.add(
            currency=currency,
            orders=value.orders,
            gross=text(value.gross),
            refunds=text(value.refunds),
            net=text(difference(value.gross, value.refunds)),
        )
    times = [*person.named_at, *(fact.occurred_at for fact in person.facts)]
    times += [seen[name] for name in ("first_seen", "last_seen") if name in seen]
    if times:
        customer.first_seen.CopyFrom(timestamp(min(times)))
        customer.last_seen.CopyFrom(timestamp(max(times)))
    return customer


def _profile(row: dict[str, Any]) -> reports_pb2.Profile:
    known = {name: row.get(name) for name in ("email", "first_name", "last_name")}
    profile = reports_pb2.Profile(**known)
    if row.get("join_date") is not None:
        profile.join_date.CopyFrom(timestamp(row["join_date"]))
    return profile


def _link(person: Person, fact: Joined) -> reports_pb2.Link:
    return reports_pb2.Link(
        tracking_id=fact.tracking_id or None,
        identity=fact.identity,
        kind=fact.kind,
        occurred_at=timestamp(fact.occurred_at),
        event_id=str(fact.event_id),
        existing_identity=fact.existing_identity or None,
        # An identity that was joined to an identity shares nobody's computer.
        owner=not fact.tracking_id or fact.tracking_id in person.tracking_ids,
    )


def timestamp(time: datetime) -> Timestamp:
    """A time as protobuf has it."""
    message = Timestamp()
    message.FromDatetime(time)
    return message
