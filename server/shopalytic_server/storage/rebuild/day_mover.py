"""Works out anew what a project's settings changed of its past, in the background of a server.

A plain date is a day of its project's time zone, so a change of the zone moves it, and with it what
follows from when something happened. Which orders are one follows from the groups of sources that
number theirs apart. Both is what a rebuild works out; events wait meanwhile, as they do for the
command, and where no event has a plain date a new zone does nothing.
"""

import asyncio
import logging

import psycopg

from shopalytic_server.background.periodic import Periodic
from shopalytic_server.domain.errors import StoreUnavailable
from shopalytic_server.storage.database.connections import ROLLED_BACK, translated
from shopalytic_server.storage.database.queries import load
from shopalytic_server.storage.database.sessions import Session, alone, connect
from shopalytic_server.storage.rebuild.typed_tables import rebuild

log = logging.getLogger(__name__)

_SQL = load("rebuild/day_mover")
# Servers that were started together do not go on together.
_PAUSE_SECONDS = (10.0, 20.0)
# Servers keep projects for five seconds, and until then count days by the zone of before.
_KNOWN_EVERYWHERE_SECONDS = 6.0


class DayMover:
    """Looks for changed time zones again and again; of several servers one moves."""

    def __init__(self, database_url: str) -> None:
        self._database_url = database_url
        self._periodic = Periodic("day-mover", self._move, _PAUSE_SECONDS)

    def start(self) -> None:
        """Begin, in a few seconds."""
        self._periodic.start()

    async def stop(self) -> None:
        """End; what was not moved is when a server runs again."""
        await self._periodic.stop()

    async def _move(self) -> None:
        try:
            with translated():
                await move_days(self._database_url, wait=_KNOWN_EVERYWHERE_SECONDS)
        except (StoreUnavailable, *ROLLED_BACK):
            pass  # The probe tells, and the next round goes on.
        except psycopg.Error as error:
            log.warning("Plain dates could not be moved: %s [days_failed]", error.sqlstate)


async def move_days(database_url: str, *, wait: float = 0.0) -> int:
    """Moves the plain dates of projects whose zone has changed, and parts their orders by new groups.

    Returns the number of these projects.

    `wait` is how many seconds it takes until all servers know a new zone.
    """
    async with await connect(database_url) as session:
        if not await (await session.execute(_SQL.waiting)).fetchall():
            return 0
        await asyncio.sleep(wait)
        async with alone(database_url, "day_mover", wait=False) as is_alone:
            return await _moved(session, database_url) if is_alone else 0


async def _moved(session: Session, database_url: str) -> int:
    projects = await (await session.execute(_SQL.waiting)).fetchall()
    found = False
    for project_id, _, _, orders_to_part in projects:
        row = await (await session.execute(_SQL.has_days, {"project_id": project_id})).fetchone()
        found = found or orders_to_part or bool(row and row[0])
    if found:
        # It computes for a while: in a thread, so that this server goes on answering.
        result = await asyncio.to_thread(lambda: asyncio.run(rebuild(database_url, check=False)))
        moved = result.differences.get("events", 0)
        log.info("Settings were changed: %s events moved to days of their time zone. [days_moved]", moved)
    for project_id, time_zone, groups, _ in projects:
        done = {"project_id": project_id, "time_zone": time_zone, "groups": groups}
        await session.execute(_SQL.moved, done)
    return len(projects)
