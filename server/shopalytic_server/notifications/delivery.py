"""Sends what is in the queue: each notification at least once, and again while the other side is away."""

import asyncio
import logging
import time
from datetime import UTC, datetime, timedelta

from shopalytic_server.domain.notifications.records import WaitingNotification
from shopalytic_server.notifications.mail import Mail, NotTaken
from shopalytic_server.notifications.ports import NotificationStore
from shopalytic_server.notifications.webhooks import Webhooks

log = logging.getLogger(__name__)

_AT_ONCE = 20
# Then what is due by now has its turn before the rest of a long queue.
_SECONDS_A_ROUND = 60.0
_FIRST_PAUSE = timedelta(seconds=30)
_LONGEST_PAUSE = timedelta(hours=1)
GIVE_UP_AFTER = timedelta(days=3)
KEEP_DONE = timedelta(days=30)
"""How long the list has what was sent."""


class Delivery:
    """Takes notifications from the queue and hands them over."""

    def __init__(self, store: NotificationStore, mail: Mail | None, webhooks: Webhooks) -> None:
        """Without `mail` letters wait until the service is told of a mail server."""
        self._store = store
        self._mail = mail
        self._webhooks = webhooks

    async def send_waiting(self, now: datetime | None = None) -> int:
        """Tries what is due once, for a minute at most, and gives how many were taken.

        Raises StoreUnavailable.
        """
        sent = 0
        moment = now or datetime.now(UTC)
        ends_at = time.monotonic() + _SECONDS_A_ROUND
        # Whatever becomes of an attempt, it is due again only later.
        while time.monotonic() < ends_at and (waiting := await self._store.waiting(moment, _AT_ONCE)):
            sent += sum(await asyncio.gather(*(self._try(each, moment) for each in waiting)))
        return sent

    async def _try(self, waiting: WaitingNotification, now: datetime) -> bool:
        try:
            await self._hand_over(waiting)
        except NotTaken as error:
            next_at = now + _pause(waiting.attempts)
            if error.for_good or next_at - waiting.created_at > GIVE_UP_AFTER:
                log.warning("A notification is given up: %s [notification_failed]", error)
                await self._store.passed(
                    waiting.notification_id, sent=False, failure=str(error), next_at=None
                )
            else:
                await self._store.passed(
                    waiting.notification_id, sent=False, failure=str(error), next_at=next_at
                )
            return False
        await self._store.passed(waiting.notification_id, sent=True, failure="", next_at=None)
        return True

    async def _hand_over(self, waiting: WaitingNotification) -> None:
        """Raises NotTaken, whatever it was that went wrong."""
        try:
            await self._give(waiting)
        except NotTaken:
            raise
        except Exception as error:
            # One that cannot be made into a letter keeps no other waiting.
            log.exception("A notification could not be handed over. [notification_fault]")
            raise NotTaken("The service could not hand it over; its log tells why.") from error

    async def _give(self, waiting: WaitingNotification) -> None:
        content = waiting.content
        if "://" in waiting.recipient:
            payload = content["payload"]
            await self._webhooks.post(
                waiting.recipient, content["secret"], str(waiting.notification_id), payload
            )
            return
        if self._mail is None:
            raise NotTaken("The service knows no mail server; start it with --smtp-url and --mail-from.")
        await self._mail.send(
            str(waiting.notification_id),
            waiting.recipient,
            waiting.subject,
            content["text"],
            content["html"],
        )


def _pause(attempts: int) -> timedelta:
    """How long to wait after one more attempt: twice as long each time, up to an hour."""
    doubled: timedelta = _FIRST_PAUSE * 2 ** min(attempts, 20)
    return min(doubled, _LONGEST_PAUSE)
