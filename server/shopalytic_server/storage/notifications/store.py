"""Keeps digests, alerts, incidents and the queue of notifications in PostgreSQL."""

import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from psycopg.rows import DictRow, dict_row
from psycopg.types.json import Jsonb

from shopalytic.events.violations import Violation
from shopalytic.v1 import notifications_pb2
from shopalytic_server.domain.datasets import Dataset
from shopalytic_server.domain.errors import InvalidRequest, NotFound
from shopalytic_server.domain.notifications.records import (
    Content,
    NewNotification,
    OpenIncident,
    StoredAlert,
    StoredDigest,
    WaitingNotification,
)
from shopalytic_server.domain.projects import Project
from shopalytic_server.storage.database.connections import Connection, Pool, translated
from shopalytic_server.storage.database.paging import (
    NEWEST,
    page_size,
    parse_id_position,
    position,
    read_token,
    write_token,
)
from shopalytic_server.storage.database.queries import load_beside
from shopalytic_server.storage.database.sessions import alone
from shopalytic_server.storage.database.times import timestamp

_SQL = load_beside(__name__)

# More is a mistake of a program, and each costs reports of its own.
MOST_OF_A_PROJECT = 100


class NotificationStore:
    """Digests and alerts of all projects. Everything may raise StoreUnavailable."""

    def __init__(self, pool: Pool, database_url: str) -> None:
        """`database_url` is that of a session of one's own, which holds a lock."""
        self._pool = pool
        self._database_url = database_url

    def alone(self) -> AbstractAsyncContextManager[bool]:
        """Whether this server is the one of all that sends at present."""
        return alone(self._database_url, "notifications", wait=False)

    async def list_digests(self, project_id: int) -> list[StoredDigest]:
        """By name."""
        rows = await self._rows(_SQL.list_digests, {"project_id": project_id})
        return [StoredDigest(project_id=project_id, **row) for row in rows]

    async def find_digest(self, project_id: int, name: str) -> StoredDigest:
        """Raises NotFound."""
        row = await self._row(_SQL.find_digest, {"project_id": project_id, "name": name})
        return StoredDigest(project_id=project_id, **_found(row, "digest", name))

    async def set_digest(
        self, project_id: int, name: str, content: Content, next_at: datetime
    ) -> StoredDigest:
        """Makes it, with a secret, or changes it; raises InvalidRequest when there are too many."""
        async with self._transaction() as connection:
            await _check_room(connection, _SQL.other_digests, project_id, name, "digest")
            row = await _one(
                connection,
                _SQL.set_digest,
                {
                    "project_id": project_id,
                    "name": name,
                    "content": Jsonb(content),
                    "secret": _new_secret(),
                    "next_at": next_at,
                },
            )
        return StoredDigest(project_id=project_id, **_found(row, "digest", name))

    async def delete_digest(self, project_id: int, name: str) -> None:
        """Raises NotFound."""
        _found(await self._row(_SQL.delete_digest, {"project_id": project_id, "name": name}), "digest", name)

    async def due_digests(self, now: datetime) -> list[StoredDigest]:
        """Of all projects, longest due first."""
        return [StoredDigest(**row) for row in await self._rows(_SQL.due_digests, {"now": now})]

    async def pass_digest(
        self, digest: StoredDigest, next_at: datetime, sent_at: datetime, letters: Sequence[NewNotification]
    ) -> bool:
        """Queues the letters of a digest that was due, at one stroke; False if another server was first."""
        values = {
            "project_id": digest.project_id,
            "name": digest.name,
            "due": digest.next_at,
            "next_at": next_at,
            "sent_at": sent_at,
        }
        async with self._transaction() as connection:
            is_first = await _one(connection, _SQL.pass_digest, values) is not None
            if is_first:
                await _enqueue(connection, letters, sent_at)
        return is_first

    async def list_alerts(self, project_id: int) -> list[StoredAlert]:
        """By name."""
        rows = await self._rows(_SQL.list_alerts, {"project_id": project_id})
        return [StoredAlert(project_id=project_id, **row) for row in rows]

    async def set_alert(self, project_id: int, name: str, content: Content, now: datetime) -> StoredAlert:
        """Makes it, with a secret, or changes it and ends its incidents; raises InvalidRequest."""
        async with self._transaction() as connection:
            await _check_room(connection, _SQL.other_alerts, project_id, name, "alert")
            row = await _one(
                connection,
                _SQL.set_alert,
                {
                    "project_id": project_id,
                    "name": name,
                    "content": Jsonb(content),
                    "secret": _new_secret(),
                    "version": uuid4(),
                    "now": now,
                },
            )
            await connection.execute(
                _SQL.end_incidents, {"project_id": project_id, "alert": name, "still": []}
            )
        return StoredAlert(project_id=project_id, **_found(row, "alert", name))

    async def delete_alert(self, project_id: int, name: str) -> None:
        """Raises NotFound."""
        async with self._transaction() as connection:
            values = {"project_id": project_id, "name": name}
            _found(await _one(connection, _SQL.delete_alert, values), "alert", name)
            await connection.execute(
                _SQL.end_incidents, {"project_id": project_id, "alert": name, "still": []}
            )

    async def due_alerts(self, now: datetime) -> list[StoredAlert]:
        """Of all projects, longest due first."""
        return [StoredAlert(**row) for row in await self._rows(_SQL.due_alerts, {"now": now})]

    async def pass_alert(
        self,
        alert: StoredAlert,
        judge_at: datetime,
        found: Sequence[OpenIncident] | None,
        letters: Mapping[str, Sequence[NewNotification]],
    ) -> None:
        """Says what an alert found, at one stroke: incidents that are new are queued, others not again.

        Incidents that are not found any more are over. `letters` has those of each value. None: the alert was
        not judged, and its incidents stay. Nothing happens where the alert was changed meanwhile.
        """
        of_it = {"project_id": alert.project_id, "alert": alert.name}
        values = {
            "project_id": alert.project_id,
            "name": alert.name,
            "version": alert.version,
            "judge_at": judge_at,
        }
        async with self._transaction() as connection:
            if await _one(connection, _SQL.pass_alert, values) is None or found is None:
                return
            still = [incident.value for incident in found]
            await connection.execute(_SQL.end_incidents, {**of_it, "still": still})
            for incident in found:
                begun = {
                    **of_it,
                    "value": incident.value,
                    "number": incident.number,
                    "opened_at": incident.opened_at,
                }
                if await _one(connection, _SQL.begin_incident, begun) is not None:
                    await _enqueue(connection, letters.get(incident.value, ()), incident.opened_at)

    async def open_incidents(self, project_id: int) -> list[OpenIncident]:
        """Oldest first."""
        rows = await self._rows(_SQL.open_incidents, {"project_id": project_id})
        return [OpenIncident(**row) for row in rows]

    async def queue(self, letters: Sequence[NewNotification], now: datetime) -> None:
        """Puts them into the queue."""
        async with self._transaction() as connection:
            await _enqueue(connection, letters, now)

    async def waiting(self, now: datetime, limit: int) -> list[WaitingNotification]:
        """What is to be tried, longest due first."""
        rows = await self._rows(_SQL.waiting, {"now": now, "limit": limit})
        return [WaitingNotification(**row) for row in rows]

    async def passed(
        self, notification_id: UUID, *, sent: bool, failure: str, next_at: datetime | None
    ) -> None:
        """Writes down one attempt; without `next_at` it was the last one."""
        async with self._transaction() as connection:
            await connection.execute(
                _SQL.passed,
                {
                    "notification_id": notification_id,
                    "sent": sent,
                    "failure": failure,
                    "next_at": next_at,
                },
            )

    async def list_notifications(
        self, project: Project, request: notifications_pb2.ListNotificationsRequest
    ) -> notifications_pb2.ListNotificationsResponse:
        """A page, newest first; raises InvalidRequest."""
        before_at, before_id = read_token(request, project, parse_id_position) or NEWEST
        size = page_size(request)
        rows = await self._rows(
            _SQL.list_notifications,
            {
                "project_id": project.project_id,
                "before_at": before_at,
                "before_id": before_id,
                "limit": size + 1,
            },
        )
        page = rows[:size]
        response = notifications_pb2.ListNotificationsResponse(notifications=map(_listed, page))
        if len(page) < len(rows):
            last = position(page[-1]["created_at"], page[-1]["notification_id"])
            response.next_page_token = write_token(request, project, last)
        return response

    async def remove_old(self, before: datetime) -> None:
        """Forgets what was made before and is done with."""
        async with self._transaction() as connection:
            await connection.execute(_SQL.remove_old, {"before": before})

    async def quarantined(self, project: Project, begin: datetime, end: datetime) -> int:
        """How many events of the real data went to quarantine in a range, and are there still."""
        values = {"dataset": Dataset.of(project), "begin": begin, "end": end}
        row = await self._row(_SQL.arrived_in_quarantine, values)
        return int(row["events"]) if row is not None else 0

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[Connection]:
        with translated():
            async with self._pool.connection() as connection, connection.transaction():
                yield connection

    async def _rows(self, statement: str, values: Mapping[str, Any]) -> list[DictRow]:
        async with self._transaction() as connection, connection.cursor(row_factory=dict_row) as cursor:
            return await (await cursor.execute(statement, values)).fetchall()

    async def _row(self, statement: str, values: Mapping[str, Any]) -> DictRow | None:
        async with self._transaction() as connection:
            return await _one(connection, statement, values)


async def _one(connection: Connection, statement: str, values: Mapping[str, Any]) -> DictRow | None:
    async with connection.cursor(row_factory=dict_row) as cursor:
        return await (await cursor.execute(statement, values)).fetchone()


async def _enqueue(connection: Connection, letters: Sequence[NewNotification], now: datetime) -> None:
    async with connection.cursor() as cursor:
        await cursor.executemany(
            _SQL.enqueue,
            [
                {
                    "notification_id": uuid4(),
                    "project_id": letter.project_id,
                    "name": letter.name,
                    "recipient": letter.recipient,
                    "subject": letter.subject,
                    "content": Jsonb(letter.content),
                    "now": now,
                }
                for letter in letters
            ],
        )


async def _check_room(connection: Connection, statement: str, project_id: int, name: str, kind: str) -> None:
    row = await _one(connection, statement, {"project_id": project_id, "name": name})
    if row is not None and row["others"] >= MOST_OF_A_PROJECT:
        message = f"would be one more than the {MOST_OF_A_PROJECT} that a project may have; delete one first"
        raise InvalidRequest([Violation(f"{kind}.name", f"{kind}.most", message)])


def _listed(row: DictRow) -> notifications_pb2.Notification:
    state = (
        notifications_pb2.NOTIFICATION_STATE_SENT
        if row["sent"]
        else notifications_pb2.NOTIFICATION_STATE_WAITING
        if row["waits"]
        else notifications_pb2.NOTIFICATION_STATE_FAILED
    )
    return notifications_pb2.Notification(
        name=row["name"],
        recipient=row["recipient"],
        subject=row["subject"],
        created_at=timestamp(row["created_at"]),
        state=state,
        attempts=row["attempts"],
        failure=row["failure"],
    )


def _found(row: DictRow | None, kind: str, name: str) -> DictRow:
    if row is None:
        raise NotFound(f"No {kind} is named {name!r}; list them to see their names.")
    return row


def _new_secret() -> str:
    return f"whsec_{secrets.token_urlsafe(32)}"
