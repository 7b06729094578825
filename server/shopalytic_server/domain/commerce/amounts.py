"""Exact arithmetic on the amounts that reports add up, and their text."""

from decimal import Context, Decimal

# Python's default context would round a sum to 28 digits.
_EXACT = Context(prec=1000)


def text(amount: Decimal) -> str:
    """An amount as plain digits, never with an exponent."""
    return f"{amount:f}"


def total(first: Decimal, second: Decimal) -> Decimal:
    """Both together, exactly."""
    return _EXACT.add(first, second)


def difference(gross: Decimal, refunds: Decimal) -> Decimal:
    """What is left, exactly."""
    return _EXACT.subtract(gross, refunds)


def average(amount: Decimal, count: int) -> str:
    """Amount / count with 4 digits, half rounded up; "0.0000" when there is nothing to divide by."""
    if count == 0:
        return "0.0000"
    numerator, denominator = amount.as_integer_ratio()
    # floor(x + 1/2), in whole numbers: rounding twice could go up one too many.
    units = (2 * 10_000 * numerator + denominator * count) // (2 * denominator * count)
    return text(_EXACT.scaleb(Decimal(units), -4))
