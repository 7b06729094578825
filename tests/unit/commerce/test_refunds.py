"""Refunds: what each counts as, beside its order and the refunds before it."""

from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopalytic_server.domain.commerce.refunds import (
    EXCEEDS_ORDER,
    ORDER_VOID,
    OTHER_CURRENCY,
    Claim,
    OrderTotal,
    settle,
)

ORDER = OrderTotal("EUR", Decimal("100.00"))

AMOUNTS = st.decimals(0, 200, places=4)
CLAIMS = st.lists(
    st.builds(
        Claim,
        event_id=st.uuids(),
        currency=st.sampled_from([None, "EUR", "USD"]),
        amount=st.none() | AMOUNTS,
    ),
    max_size=8,
)
ORDERS = st.none() | st.builds(
    OrderTotal, currency=st.sampled_from(["EUR", "GBP"]), total=AMOUNTS, void=st.just(False)
)


def settled(order: OrderTotal | None, *given: tuple[str | None, str | None]) -> list[tuple]:
    """(currency, amount, flag) of each claim, which is given as (currency, amount)."""
    claims = [
        Claim(UUID(int=number), currency, None if amount is None else Decimal(amount), "GBP")
        for number, (currency, amount) in enumerate(given)
    ]
    return [
        (result.currency, None if result.amount is None else str(result.amount), result.flag)
        for result in settle(order, claims)
    ]


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        pytest.param([(None, None)], [("EUR", "100.00", None)], id="full"),
        pytest.param(
            [(None, "30"), (None, None)],
            [("EUR", "30", None), ("EUR", "70.00", None)],
            id="full after partial",
        ),
        pytest.param(
            [(None, None), (None, "30")],
            [("EUR", "100.00", None), ("EUR", "30", EXCEEDS_ORDER)],
            id="partial after full",
        ),
        pytest.param([(None, None)] * 2, [("EUR", "100.00", None), ("EUR", "0.00", None)], id="two full"),
        pytest.param(
            [(None, "60"), (None, "60"), (None, None)],
            [("EUR", "60", None), ("EUR", "60", EXCEEDS_ORDER), ("EUR", "0", None)],
            id="partials beyond the total",
        ),
        pytest.param([(None, "100.00")], [("EUR", "100.00", None)], id="partial of everything"),
        pytest.param([("USD", "30")], [("USD", "30", OTHER_CURRENCY)], id="other currency"),
        pytest.param(
            [("USD", "30"), (None, None)],
            [("USD", "30", OTHER_CURRENCY), ("EUR", "100.00", None)],
            id="other currency takes nothing off",
        ),
        pytest.param([("USD", None)], [("EUR", "100.00", OTHER_CURRENCY)], id="full in another currency"),
    ],
)
def test_refunds_of_a_known_order(claims, expected):
    assert settled(ORDER, *claims) == expected


def test_without_its_order_a_partial_refund_counts_at_once_and_a_full_one_waits():
    claims = ((None, "30"), ("USD", "5"), (None, None))
    assert settled(None, *claims) == [("GBP", "30", None), ("USD", "5", None), ("GBP", None, None)]


def test_of_a_void_order_nothing_counts():
    order = ORDER._replace(void=True)
    claims = ((None, "30"), ("USD", "5"), (None, None))
    assert settled(order, *claims) == [(currency, None, ORDER_VOID) for currency in ("EUR", "USD", "EUR")]


def test_a_refund_takes_its_orders_currency_before_the_projects():
    assert settled(ORDER, (None, "1"))[0][0] == "EUR"
    assert settled(None, (None, "1"))[0][0] == "GBP"


@given(ORDERS, CLAIMS)
def test_partial_refunds_count_with_their_own_amounts(order, claims):
    for claim, result in zip(claims, settle(order, claims), strict=True):
        assert result.event_id == claim.event_id
        if claim.amount is not None:
            assert result.amount == claim.amount
            assert result.currency == (
                claim.currency or (order.currency if order else claim.default_currency)
            )


@given(ORDERS, CLAIMS)
def test_after_a_full_refund_nothing_of_the_order_remains(order, claims):
    claims = [*claims, Claim(UUID(int=0), None, None, "GBP")]
    results = settle(order, claims)
    if order is None:
        assert results[-1].amount is None
    else:
        back = sum(result.amount for result in results if result.currency == order.currency)
        assert back >= order.total
        assert results[-1].amount >= 0


@given(ORDERS, CLAIMS)
def test_a_refund_is_flagged_exactly_when_it_goes_beyond_its_order_or_names_another_currency(order, claims):
    results = settle(order, claims)
    back = Decimal(0)
    for claim, result in zip(claims, results, strict=True):
        expected = None
        if order is not None and claim.currency not in (None, order.currency):
            expected = OTHER_CURRENCY
        if order is not None and result.currency == order.currency:
            back += result.amount
            if back > order.total and result.amount > 0:
                expected = EXCEEDS_ORDER
        assert result.flag == expected
