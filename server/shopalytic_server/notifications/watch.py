"""What one server of all does again and again: sends due digests, judges alerts, empties the queue."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

from shopalytic_server.background.cancelling import end
from shopalytic_server.background.periodic import Periodic
from shopalytic_server.domain.errors import InvalidRequest, NotFound, RetryLater, StoreUnavailable
from shopalytic_server.domain.notifications.letter import write
from shopalytic_server.domain.notifications.records import OpenIncident, StoredAlert, StoredDigest
from shopalytic_server.domain.notifications.schedule import covered, next_due
from shopalytic_server.notifications.contents import DigestContents
from shopalytic_server.notifications.delivery import KEEP_DONE, Delivery
from shopalytic_server.notifications.judged import Judging
from shopalytic_server.notifications.letters import of_digest, of_incident
from shopalytic_server.notifications.messages import alert_message, digest_message, hour_of, is_weekly
from shopalytic_server.notifications.ports import NotificationStore, Projects

log = logging.getLogger(__name__)

PAUSE_SECONDS = (20.0, 40.0)
_SOON = timedelta(minutes=5)
_LATER = timedelta(minutes=15)
# What cannot be asked, for its filter names what is no more, is not asked each half minute.
_AFTER_REFUSAL = timedelta(hours=1)


_Stored = TypeVar("_Stored", StoredDigest, StoredAlert)


def now() -> datetime:
    """The server's clock."""
    return datetime.now(UTC)


class Watch:
    """Sends what is due. Of several servers on one database one does, whichever is first."""

    def __init__(
        self,
        store: NotificationStore,
        projects: Projects,
        contents: DigestContents,
        judging: Judging,
        delivery: Delivery,
        *,
        address: str = "",
        clock: Callable[[], datetime] = now,
    ) -> None:
        self._store = store
        self._projects = projects
        self._contents = contents
        self._judging = judging
        self._delivery = delivery
        self._address = address
        self._clock = clock
        self._not_before: dict[tuple[type, int, str], datetime] = {}
        self._hurried: asyncio.Task[None] | None = None
        self._periodic = Periodic("notifications", self._round, PAUSE_SECONDS)

    def start(self) -> None:
        """Begin, in half a minute."""
        self._periodic.start()

    async def stop(self) -> None:
        """End; what is due is sent when a server runs again."""
        await self._periodic.stop()
        if self._hurried is not None:
            await end(self._hurried)

    def hurry(self) -> None:
        """Go a round now, for somebody waits to see what becomes of a notification."""
        if self._hurried is None or self._hurried.done():
            self._hurried = asyncio.create_task(self._round(), name="shopalytic-notifications-now")

    async def _round(self) -> None:
        try:
            await self.go_round()
        except RetryLater:
            pass  # The probe tells, and the next round goes on.
        except Exception:
            log.exception("Notifications could not be looked after. [notifications_failed]")

    async def go_round(self) -> None:
        """Once; nothing, while another server does. Raises RetryLater."""
        async with self._store.alone() as is_alone:
            if not is_alone:
                return
            moment = self._clock()
            for digest in await self._store.due_digests(moment):
                await self._look_after(digest, self._send, moment)
            for alert in await self._store.due_alerts(moment):
                await self._look_after(alert, self._judge, moment)
            await self._delivery.send_waiting(moment)
            await self._store.remove_old(moment - KEEP_DONE)

    async def _look_after(
        self, stored: _Stored, work: Callable[[_Stored, datetime], Awaitable[None]], moment: datetime
    ) -> None:
        """One digest or alert. What keeps it from being done keeps no other, and it has its turn later."""
        name = (type(stored), stored.project_id, stored.name)
        if self._not_before.get(name, moment) > moment:
            return
        self._not_before.pop(name, None)
        try:
            await work(stored, moment)
        except StoreUnavailable:
            raise
        except RetryLater as error:
            self._not_before[name] = moment + _SOON
            log.warning("A digest or alert waits, for its report was not answered: %s [report_late]", error)
        except Exception:
            self._not_before[name] = moment + _SOON
            log.exception("A digest or alert could not be looked after. [notifications_failed]")

    async def _send(self, stored: StoredDigest, moment: datetime) -> None:
        try:
            project = await self._projects.get_project(stored.project_id)
        except NotFound:
            return
        digest, zone = digest_message(stored.content), ZoneInfo(project.time_zone)
        weekly, hour = is_weekly(digest), hour_of(digest)
        following = next_due(zone, hour, weekly=weekly, after=moment)
        # Of those that were missed while no server ran only the last is still news.
        due = stored.next_at
        while (later := next_due(zone, hour, weekly=weekly, after=due)) <= moment:
            due = later
        try:
            contents = await self._contents.of(project, digest, covered(zone, due, weekly=weekly))
        except InvalidRequest as error:
            log.warning("A digest asks for what no report has: %s [digest_refused]", error)
            await self._store.pass_digest(stored, following, moment, [])
            return
        letters = of_digest(project, digest, write(contents), stored.webhook_secret, due)
        await self._store.pass_digest(stored, following, moment, letters)

    async def _judge(self, stored: StoredAlert, moment: datetime) -> None:
        try:
            project = await self._projects.get_project(stored.project_id)
        except NotFound:
            return
        alert = alert_message(stored.content)
        try:
            judgement = await self._judging.of(project, alert, moment)
        except InvalidRequest as error:
            log.warning("An alert asks for what no report has: %s [alert_refused]", error)
            await self._store.pass_alert(stored, moment + _AFTER_REFUSAL, None, {})
            return
        again = moment + (_SOON if alert.hours and not self._judging.takes_long(alert) else _LATER)
        if judgement is None:
            await self._store.pass_alert(stored, again, None, {})
            return
        found = [OpenIncident(alert.name, each.value, f"{each.number:f}", moment) for each in judgement.found]
        letters = {
            each.value: of_incident(project, alert, each, stored.webhook_secret, moment, self._address)
            for each in judgement.found
        }
        await self._store.pass_alert(stored, again, found, letters)
