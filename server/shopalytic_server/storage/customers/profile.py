"""Customers as reports tell of them: who they are, what was said of them, what they are worth."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID

from shopalytic.v1 import reports_pb2
from shopalytic_server.domain.commerce.amounts import difference, text
from shopalytic_server.domain.datasets import Dataset
from shopalytic_server.domain.projects import Project
from shopalytic_server.domain.reports.shares import rounded
from shopalytic_server.storage.customers.lookup import Person, add_aliases, find, link, load_people
from shopalytic_server.storage.customers.page import devices_of, orders_of, touches_of
from shopalytic_server.storage.customers.rfm import RfmQuintiles
from shopalytic_server.storage.database.queries import load
from shopalytic_server.storage.database.reading import Snapshot
from shopalytic_server.storage.database.times import timestamp

_SQL = load("customers/customers")
_MICROSECOND = timedelta(microseconds=1)


async def get_customer(
    snapshot: Snapshot, project: Project, quintiles: RfmQuintiles, request: reports_pb2.GetCustomerRequest
) -> reports_pb2.GetCustomerResponse:
    """Everything known of one customer; raises NotFound."""
    dataset = Dataset.of(project, request.sandbox)
    people = await load_people(snapshot, dataset, [await find(snapshot, dataset, request.customer)])
    await add_aliases(snapshot, dataset, people)
    parameters = members(dataset, people)
    values_of = await _values(snapshot, parameters)
    currency = request.currency or project.currency
    [customer] = await describe(snapshot, dataset, people, values_of, quintiles=quintiles, currency=currency)
    customer.links.extend(link(people[0], fact) for fact in people[0].facts)
    orders, _ = await orders_of(snapshot, dataset, people[0])
    customer.orders.extend(orders)
    customer.devices.extend(await devices_of(snapshot, dataset, people[0]))
    if touches := await touches_of(snapshot, dataset, people[0]):
        customer.first_touch.CopyFrom(touches[0])
        customer.last_touch.CopyFrom(touches[1])
    return reports_pb2.GetCustomerResponse(customer=customer)


@dataclass(slots=True)
class _Value:
    """What a customer did in one currency."""

    orders: int = 0
    gross: Decimal = Decimal(0)
    refunds: Decimal = Decimal(0)
    first_at: datetime | None = None
    last_at: datetime | None = None
    country: str | None = None
    country_at: datetime | None = None


# By customer and currency.
_Values = dict[UUID, dict[str, _Value]]


async def describe(
    snapshot: Snapshot,
    dataset: int,
    people: Sequence[Person],
    values: _Values | None = None,
    *,
    quintiles: RfmQuintiles | None = None,
    currency: str = "",
) -> list[reports_pb2.Customer]:
    """Who these people are and what they are worth. Their facts count; load those of alias calls before.

    `values`, if they were read already, are what they did. With `quintiles` they are
    classified, by their money in `currency`.
    """
    parameters = members(dataset, people)
    profiles = {row["customer_id"]: row for row in await snapshot.fetch(_SQL.profiles, **parameters)}
    seen = {row["customer_id"]: row for row in await snapshot.fetch(_SQL.seen, **parameters)}
    if values is None:
        values = await _values(snapshot, parameters)
    described = []
    for person in people:
        own = values[person.customer_id]
        profile, times = profiles.get(person.customer_id, {}), seen.get(person.customer_id, {})
        described.append(_customer(person, profile, times, own))
        if quintiles is not None and described[-1].HasField("last_order_at"):
            last_at = described[-1].last_order_at.ToDatetime(UTC)
            orders = sum(value.orders for value in own.values())
            money = own.get(currency, _Value())
            net = difference(money.gross, money.refunds)
            rfm = await quintiles.classify(snapshot, dataset, currency, last_at, orders, net)
            described[-1].rfm.CopyFrom(rfm)
    return described


def members(dataset: int, people: Sequence[Person]) -> dict[str, Any]:
    """Which subjects are whose, as parallel arrays."""
    return {
        "dataset": dataset,
        "customer_ids": [person.customer_id for person in people for _ in person.subjects],
        "subjects": [subject for person in people for subject in person.subjects],
    }


async def _values(snapshot: Snapshot, parameters: dict[str, Any]) -> _Values:
    values: _Values = defaultdict(lambda: defaultdict(_Value))
    for row in await snapshot.fetch(_SQL.orders, **parameters):
        value = values[row["customer_id"]][row["currency"]]
        value.orders, value.gross = row["orders"], row["gross"]
        value.first_at, value.last_at = row["first_at"], row["last_at"]
        value.country, value.country_at = row["country"], row["country_at"]
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
        days_between_orders=_days_between(values.values()),
        country=_country(values.values()),
    )
    for currency, value in sorted(values.items()):
        customer.values.add(
            currency=currency,
            orders=value.orders,
            gross=text(value.gross),
            refunds=text(value.refunds),
            net=text(difference(value.gross, value.refunds)),
        )
    if last_at := max((value.last_at for value in values.values() if value.last_at), default=None):
        customer.last_order_at.CopyFrom(timestamp(last_at))
    times = [*person.named_at, *(fact.occurred_at for fact in person.facts)]
    times += [seen[name] for name in ("first_seen", "last_seen") if name in seen]
    if times:
        customer.first_seen.CopyFrom(timestamp(min(times)))
        customer.last_seen.CopyFrom(timestamp(max(times)))
    return customer


def _country(values: Iterable[_Value]) -> str:
    """Where the latest order with an address went."""
    named = [(value.country_at, value.country) for value in values if value.country and value.country_at]
    return max(named)[1] if named else ""


def _days_between(values: Iterable[_Value]) -> str:
    ordered = [(value.first_at, value.last_at) for value in values if value.first_at and value.last_at]
    count = sum(value.orders for value in values)
    if count < 2:
        return ""
    span = max(last for _, last in ordered) - min(first for first, _ in ordered)
    return rounded(Fraction(span // _MICROSECOND, (count - 1) * (timedelta(days=1) // _MICROSECOND)), 2)


def _profile(row: dict[str, Any]) -> reports_pb2.Profile:
    known = {name: row.get(name) for name in ("email", "first_name", "last_name")}
    profile = reports_pb2.Profile(**known)
    if row.get("join_date") is not None:
        profile.join_date.CopyFrom(timestamp(row["join_date"]))
    return profile
