"""Judges an alert by the numbers of now."""

from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from shopalytic.v1 import notifications_pb2
from shopalytic_server.domain.notifications.judging import Condition, Judgement, judge
from shopalytic_server.domain.notifications.schedule import lies_within, weeks_before, window
from shopalytic_server.domain.projects import Project
from shopalytic_server.notifications.numbers import Numbers


class Judging:
    """Judges alerts."""

    def __init__(self, numbers: Numbers) -> None:
        self._numbers = numbers

    @staticmethod
    def takes_long(alert: notifications_pb2.Alert) -> bool:
        """Whether it asks for the weeks before, too."""
        return alert.WhichOneof("condition") in ("percent_under_median", "percent_over_median")

    async def check(self, project: Project, alert: notifications_pb2.Alert, moment: datetime) -> None:
        """Raises InvalidRequest where no report has what it asks for."""
        judged = window(ZoneInfo(project.time_zone), moment, hours=alert.hours, days=alert.days)
        await self._numbers.rows(project, alert, judged)

    async def of(
        self, project: Project, alert: notifications_pb2.Alert, moment: datetime
    ) -> Judgement | None:
        """What it finds at a moment; None outside the shop's hours. Raises InvalidRequest and Unavailable."""
        zone = ZoneInfo(project.time_zone)
        judged = window(zone, moment, hours=alert.hours, days=alert.days)
        hours = alert.shop_hours
        if (
            alert.hours
            and alert.HasField("shop_hours")
            and not lies_within(zone, judged, _weekdays(hours), hours.from_hour, hours.to_hour)
        ):
            return None
        rows = await self._numbers.rows(project, alert, judged)
        weeks: list[dict[str, Decimal]] = []
        if self.takes_long(alert):
            for before in weeks_before(zone, judged):
                numbers = {row.value: row.number for row in await self._numbers.rows(project, alert, before)}
                if any(numbers.values()):
                    weeks.append(numbers)
        at_least = Decimal(alert.guard.at_least) if alert.HasField("guard") else None
        return judge(_condition(alert), rows, what=_what(alert), guard_at_least=at_least, weeks=weeks)


def _weekdays(hours: notifications_pb2.ShopHours) -> frozenset[int]:
    first, last = hours.first_weekday or 1, hours.last_weekday or 7
    return frozenset(1 + (first - 1 + ahead) % 7 for ahead in range((last - first) % 7 + 1))


def _condition(alert: notifications_pb2.Alert) -> Condition:
    match alert.WhichOneof("condition"):
        case "below":
            return Condition(below=Decimal(alert.below))
        case "above":
            return Condition(above=Decimal(alert.above))
        case "percent_under_median":
            return Condition(percent_under_median=alert.percent_under_median)
        case _:
            return Condition(percent_over_median=alert.percent_over_median)


def _what(alert: notifications_pb2.Alert) -> str:
    count, unit = (alert.hours, "hour") if alert.hours else (alert.days, "day")
    span = f"last {unit}" if count == 1 else f"last {count} {unit}s"
    return f"{alert.number.replace('_', ' ')} ({alert.report}) of the {span}"
