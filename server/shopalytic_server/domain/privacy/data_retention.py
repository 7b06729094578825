"""How long events are kept: which types may expire, and when.

A type may expire if what its events say for good is small and kept elsewhere:
page views are summed up, and of product views the last one of each product is
kept. Of the other types every event is a fact that customers, carts, orders or
parcels are made of, and made again from (`shopalytic rebuild`).
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

EXPIRING_TYPES = ("page_view", "product_view")

DEFAULT = "default"
"""Stands for the types that may expire and have no number of days of their own."""

MAX_DAYS = 36_500

Retention = Iterable[tuple[str, int | None]]


def days_kept(retention: Retention) -> dict[str, int]:
    """The types whose events expire, and after how many days."""
    given = dict(retention)
    kept = {name: given.get(name, given.get(DEFAULT)) for name in EXPIRING_TYPES}
    return {name: days for name, days in kept.items() if days is not None}


def cut_off(now: datetime, days: int) -> datetime:
    """What happened before this has expired: the midnight in UTC that began the day so many days ago.

    An event is kept for the days that were promised and the rest of one: days
    are summed up as a whole, so they expire as a whole.
    """
    return now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days)
