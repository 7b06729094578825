"""Refunds: what each counts as, given its order and the refunds before it."""

from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

EXCEEDS_ORDER = "exceeds_order_total"
ORDER_VOID = "order_void"
OTHER_CURRENCY = "other_currency_than_order"


class OrderTotal(NamedTuple):
    """What an order comes to."""

    currency: str
    total: Decimal
    void: bool = False
    """Whether it was cancelled or failed."""


class Claim(NamedTuple):
    """A refund as it was sent. `amount` is absent for a full refund, `currency` when none was named.

    `default_currency` is what counts then while the order is unknown.
    """

    event_id: UUID
    currency: str | None
    amount: Decimal | None
    default_currency: str


class Settled(NamedTuple):
    """What a refund counts as. `amount` is absent where it counts nothing.

    So it is while a full refund waits for its order, and of an order that is void.
    """

    event_id: UUID
    currency: str
    amount: Decimal | None
    flag: str | None


def settle(order: OrderTotal | None, claims: Iterable[Claim]) -> list[Settled]:
    """Settles one order's refunds, given in the order in which they happened.

    A partial refund counts with its own amount, a full one with what remains of
    the order. What goes beyond the order's total is counted and flagged.
    """
    if order is None:
        return [Settled(c.event_id, c.currency or c.default_currency, c.amount, None) for c in claims]
    if order.void:
        return [Settled(c.event_id, c.currency or order.currency, None, ORDER_VOID) for c in claims]
    settled = []
    remaining = order.total
    for claim in claims:
        currency = (claim.currency or order.currency) if claim.amount is not None else order.currency
        amount = claim.amount if claim.amount is not None else max(remaining, Decimal(0))
        flag = None
        if currency != order.currency or claim.currency not in (None, order.currency):
            flag = OTHER_CURRENCY
        if currency == order.currency:
            remaining -= amount
            flag = EXCEEDS_ORDER if remaining < 0 and amount > 0 else flag
        settled.append(Settled(claim.event_id, currency, amount, flag))
    return settled
