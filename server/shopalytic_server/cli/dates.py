"""Dates and times on the command line."""

import re
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import click

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class Moment(click.ParamType[str]):
    """A date (midnight in the report's time zone) or an RFC 3339 time, as text until the zone is known."""

    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Check the form; wrong text is wrong usage."""
        try:
            parsed = datetime.fromisoformat(value)
        except ValueError:
            parsed = None
        if parsed is None or (parsed.tzinfo is None and not _DATE.fullmatch(value)):
            self.fail(
                f"{value!r} is neither a date (2026-01-31) nor an RFC 3339 time (2026-01-31T12:00:00Z)."
            )
        return str(value)


def moment(text: str, zone: str) -> datetime:
    """A date as midnight in the zone, a time as it is; in UTC."""
    parsed = datetime.fromisoformat(text)
    if parsed.tzinfo is None:
        parsed = parsed.replace(tzinfo=ZoneInfo(zone))
    return parsed.astimezone(UTC)
