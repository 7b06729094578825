"""Exact shares and middles, rounded half up to a number of digits."""

from decimal import Decimal
from fractions import Fraction


def rounded(value: Fraction, digits: int) -> str:
    """A number that is not negative, with so many digits; half is rounded up."""
    scale = 10**digits
    # floor(x + 1/2), in whole numbers: nothing is rounded twice.
    units = (2 * value.numerator * scale + value.denominator) // (2 * value.denominator)
    return f"{units // scale}.{units % scale:0{digits}}"


def share(part: int, whole: int) -> str:
    """part / whole with 4 digits; "0.0000" of nothing."""
    return rounded(Fraction(part, whole), 4) if whole else "0.0000"


def rate(part: Decimal, whole: Decimal) -> str:
    """part / whole with 4 digits; "0.0000" where either is not above zero."""
    return rounded(Fraction(part) / Fraction(whole), 4) if part > 0 and whole > 0 else "0.0000"
