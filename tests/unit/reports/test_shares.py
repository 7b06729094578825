"""Shares and other exact quotients, rounded half up."""

from fractions import Fraction

import pytest

from shopalytic_server.domain.reports.shares import rounded, share


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [
        (0, 0, "0.0000"),
        (0, 3, "0.0000"),
        (1, 3, "0.3333"),
        (2, 3, "0.6667"),
        (3, 3, "1.0000"),
        (1, 20_000, "0.0001"),
    ],
)
def test_a_share_has_four_digits(part, whole, text):
    assert share(part, whole) == text


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (Fraction(1, 2000), 3, "0.001"),
        (Fraction(499_999_999, 10**12), 3, "0.000"),
        (Fraction(25, 2), 3, "12.500"),
        (Fraction(10**20) + Fraction(5, 10_000), 3, "100000000000000000000.001"),
    ],
)
def test_half_is_rounded_up_once(value, digits, text):
    assert rounded(value, digits) == text
