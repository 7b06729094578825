"""Days without a time of day: sent as their midnight in UTC, counted as days of the project's time zone."""

from datetime import UTC, datetime, time
from functools import lru_cache

from shopalytic_server.domain.reports.ranges import day_start, time_zone

DATES = ("order_date", "modified_date", "join_date", "date_shipped", "date_delivered")
"""The properties that may be such days."""


@lru_cache(10_000)
def begin_of_day(midnight: datetime, zone: str) -> datetime:
    """The begin in a time zone of the day whose midnight in UTC is given; another time stays as it is."""
    if midnight.astimezone(UTC).time() != time():
        return midnight
    return day_start(midnight.astimezone(UTC).date(), time_zone(zone))
