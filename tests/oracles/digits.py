"""Rounding by the text book, for the oracles."""

from decimal import ROUND_HALF_UP, Decimal, localcontext


def divided(part: Decimal | int, whole: Decimal | int, digits: int) -> str:
    """part / whole, rounded half up; zero of nothing."""
    if not whole:
        return f"{Decimal(0):.{digits}f}"
    with localcontext(prec=60):
        return str((Decimal(part) / Decimal(whole)).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP))
