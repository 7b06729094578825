"""Keeps the audit log in PostgreSQL."""

import time
from datetime import UTC, datetime
from uuid import uuid4

from psycopg.rows import dict_row

from shopalytic.v1 import users_pb2
from shopalytic_server.domain.access.audit import CUSTOMERS, ERASED, KEPT_FOR, LOOKING, Entry
from shopalytic_server.domain.projects import Project
from shopalytic_server.storage.database.connections import Pool, translated
from shopalytic_server.storage.database.paging import (
    NEWEST,
    page_size,
    parse_id_position,
    position,
    read_token,
    write_token,
)
from shopalytic_server.storage.database.queries import load_beside
from shopalytic_server.storage.ingest.tombstones import is_erased

_SQL = load_beside(__name__)

# Who looks at the same again so soon, still looks.
_AGAIN_SECONDS = 60.0
_MOST_REMEMBERED = 10_000
_CLEAN_SECONDS = 3_600.0


class Audit:
    """The audit log of all projects. Everything may raise StoreUnavailable."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._told: dict[tuple[int, str, str, str], float] = {}
        self._clean_at = 0.0

    async def record(self, project_id: int, actor: str, action: str, subject: str) -> None:
        """Returns when it is written; a look that was written a moment ago is not written again.

        Nobody who was erased is named again.
        """
        name, now = (project_id, actor, action, subject), time.monotonic()
        if action in LOOKING and now < self._told.get(name, 0.0):
            return
        moment = datetime.now(UTC)
        values = {
            "audit_id": uuid4(),
            "project_id": project_id,
            "at": moment,
            "actor": actor,
            "action": action,
            "subject": subject,
        }
        with translated():
            async with self._pool.connection() as connection:
                if action in CUSTOMERS and await is_erased(connection, project_id, subject):
                    values["subject"] = ERASED
                await connection.execute(_SQL.record.encode(), values)
                if now >= self._clean_at:
                    self._clean_at = now + _CLEAN_SECONDS
                    await connection.execute(_SQL.remove_old.encode(), {"before": moment - KEPT_FOR})
        if action in LOOKING:
            if len(self._told) >= _MOST_REMEMBERED:
                self._told.clear()
            self._told[name] = now + _AGAIN_SECONDS

    async def list_audit(
        self, project: Project, request: users_pb2.ListAuditRequest
    ) -> users_pb2.ListAuditResponse:
        """A page, newest first; raises InvalidRequest."""
        at, audit_id = read_token(request, project, parse_id_position) or NEWEST
        size = page_size(request)
        values = {
            "project_id": project.project_id,
            "at": at,
            "audit_id": audit_id,
            "actor": request.actor,
            "subject": request.subject,
            "limit": size + 1,
        }
        with translated():
            async with (
                self._pool.connection() as connection,
                connection.cursor(row_factory=dict_row) as cursor,
            ):
                await cursor.execute(_SQL.list_audit.encode(), values)
                entries = [Entry(**row) for row in await cursor.fetchall()]
        response = users_pb2.ListAuditResponse()
        for each in entries[:size]:
            message = response.entries.add(actor=each.actor, action=each.action, subject=each.subject)
            message.at.FromDatetime(each.at)
        if len(entries) > size:
            last = entries[size - 1]
            response.next_page_token = write_token(request, project, position(last.at, last.audit_id))
        return response
