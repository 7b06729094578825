"""Exact amounts."""

from decimal import Decimal
from fractions import Fraction
from math import floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopalytic_server.domain.commerce.amounts import average, difference, text

amounts = st.decimals(0, 10**30, places=4, allow_nan=False, allow_infinity=False)


@given(amounts, st.integers(1, 10**9))
def test_an_average_is_the_exact_quotient_rounded_once(amount, count):
    exact = Fraction(amount) / count
    assert Fraction(average(amount, count)) == Fraction(floor(exact * 10_000 + Fraction(1, 2)), 10_000)


@pytest.mark.parametrize(
    ("amount", "count", "expected"),
    [
        ("0.0001", 2, "0.0001"),
        ("10", 3, "3.3333"),
        ("20", 3, "6.6667"),
        ("0", 5, "0.0000"),
        ("7", 1, "7.0000"),
    ],
)
def test_an_average_has_four_digits_with_half_rounded_up(amount, count, expected):
    assert average(Decimal(amount), count) == expected


def test_no_orders_have_an_average_of_nothing():
    assert average(Decimal(0), 0) == "0.0000"


@given(amounts, amounts)
def test_a_difference_loses_no_digit(gross, refunds):
    assert Fraction(difference(gross, refunds)) == Fraction(gross) - Fraction(refunds)


def test_amounts_are_written_without_an_exponent():
    assert [text(Decimal(each)) for each in ("0", "0.00", "1E+3", "12.50")] == ["0", "0.00", "1000", "12.50"]
