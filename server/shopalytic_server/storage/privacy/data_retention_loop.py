"""Removes expired events again and again, in the background of a server."""

import logging
from collections.abc import Callable, Mapping

import psycopg

from shopalytic_server.background.periodic import Periodic
from shopalytic_server.domain.errors import StoreUnavailable
from shopalytic_server.storage.database.connections import ROLLED_BACK, translated
from shopalytic_server.storage.database.sessions import connect
from shopalytic_server.storage.ingest.quarantine_capacity import QuarantineRoom
from shopalytic_server.storage.privacy.data_retention import remove_expired

log = logging.getLogger(__name__)

# Servers that were started together do not go on together.
_FIRST_SECONDS = (5.0, 30.0)
_NEXT_SECONDS = (3_000.0, 4_200.0)


class Expirer:
    """A pass soon after the start, and then about one an hour; of several servers, one at a time."""

    def __init__(
        self,
        database_url: str,
        on_expired: Callable[[Mapping[str, int]], None],
        room: QuarantineRoom,
        on_quarantine_expired: Callable[[Mapping[str, int]], None],
    ) -> None:
        """What is told after a pass.

        `on_expired` is told how many events of each type it removed,
        `on_quarantine_expired` how many of quarantine, by the class of their keys.
        """
        self._database_url = database_url
        self._room = room
        self._on_quarantine_expired = on_quarantine_expired
        self._on_expired = on_expired
        self._periodic = Periodic("expirer", self._remove, _NEXT_SECONDS, first=_FIRST_SECONDS)

    def start(self) -> None:
        """Begin, in a few seconds."""
        self._periodic.start()

    async def stop(self) -> None:
        """End; what a pass had not come to stays until the next."""
        await self._periodic.stop()

    async def _remove(self) -> None:
        try:
            with translated():
                await self._pass()
        except (StoreUnavailable, *ROLLED_BACK):
            pass  # The probe tells, and the next pass goes on.
        except psycopg.Error as error:
            log.warning("Expired events could not be removed: %s [expiry_failed]", error.sqlstate)

    async def _pass(self) -> None:
        await self._pass_over_quarantine()
        expiry = await remove_expired(self._database_url)
        if expiry is None or not expiry.expired:
            return
        counts = {kind: count for kind, count in sorted(expiry.by_type().items()) if count}
        self._on_expired(counts)
        told = ", ".join(f"{kind} {count}" for kind, count in counts.items()) or "none"
        log.info("Expired events that were removed: %s. [expired]", told)

    async def _pass_over_quarantine(self) -> None:
        async with await connect(self._database_url) as conn:
            removed = await self._room.expire(conn)
            await self._room.look(conn)
        if removed:
            self._on_quarantine_expired(removed)
            told = ", ".join(f"{count} of {key_class} keys" for key_class, count in sorted(removed.items()))
            log.info("Too old for quarantine and removed: %s. [quarantine_expired]", told)
