"""Comparing the shop's list of orders with the stored ones."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from shopalytic_server.domain.commerce.reconciliation import Comparison, Order, compare

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def order(order_id: str = "1", total: str = "10", minutes: int = 0, currency: str | None = "EUR") -> Order:
    return Order(order_id, Decimal(total), NOON + timedelta(minutes=minutes), currency)


def one(listed: Order | None, stored: Order | None, **options: timedelta) -> Comparison:
    book = {} if listed is None else {listed.order_id: listed}
    return compare(book, [] if stored is None else [stored], **options)


def test_zeros_after_the_amount_and_a_currency_that_is_not_told_are_no_difference() -> None:
    assert one(order(total="10.00"), order(total="10")).equal == 1
    assert one(order(currency=None), order(currency="USD")).agrees


def test_each_field_that_differs_is_named() -> None:
    [found] = one(order(), order(total="10.0001", currency="USD", minutes=1)).different
    assert found.fields == ("total", "currency", "time")


def test_times_within_the_tolerance_are_equal_and_just_past_it_are_not() -> None:
    minute = timedelta(minutes=1)
    assert one(order(), order(minutes=-1), time_tolerance=minute).agrees
    assert one(order(), order(minutes=2), time_tolerance=minute).different[0].fields == ("time",)


ORDERS = st.dictionaries(st.sampled_from("abcdef"), st.sampled_from(["1", "2.50"]))


@given(ORDERS, ORDERS)
def test_every_order_is_counted_once_and_equal_lists_agree(
    listed: dict[str, str], stored: dict[str, str]
) -> None:
    book = {name: order(name, total) for name, total in listed.items()}
    shelf = [order(name, total) for name, total in stored.items()]
    found = compare(book, shelf)
    both = found.equal + len(found.different)
    assert {each.order_id for each in found.missing} == listed.keys() - stored.keys()
    assert {each.order_id for each in found.extra} == stored.keys() - listed.keys()
    assert both == len(listed.keys() & stored.keys())
    assert found.agrees == (listed == stored)
