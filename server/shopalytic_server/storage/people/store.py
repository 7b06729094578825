"""Keeps people and their sessions in PostgreSQL."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from psycopg.rows import DictRow, dict_row

from shopalytic_server.domain.access.people import (
    LONGEST_PAUSE,
    LONGEST_SESSION,
    MOST_SESSIONS,
    MOST_USERS,
    PasswordHash,
    Role,
    Session,
    User,
)
from shopalytic_server.domain.errors import AlreadyExists, NotFound
from shopalytic_server.storage.database.connections import Connection, Pool, translated
from shopalytic_server.storage.database.queries import load_beside

_SQL = load_beside(__name__)

USER_EXISTS = "USER_EXISTS"
TOO_MANY_USERS = "TOO_MANY_USERS"

_LISTED = 1_000
_NOBODY = "This project has no person with this e-mail address."


class People:
    """People of all projects, over a pool of connections. Everything may raise StoreUnavailable.

    Addresses are in their plain form; of tokens and links come the hashes.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def add_user(
        self,
        project_id: int,
        email: str,
        role: Role,
        *,
        password_hash: str | None,
        link_hash: bytes | None,
        link_ends_at: datetime | None,
    ) -> User:
        """Raises AlreadyExists when somebody has this address, or the project has as many as it may."""
        values = {
            "user_id": uuid4(),
            "project_id": project_id,
            "email": email,
            "role": role.value,
            "password_hash": password_hash,
            "link_hash": link_hash,
            "link_ends_at": link_ends_at,
            "now": datetime.now(UTC),
        }
        async with self._transaction() as connection:
            await _rows(connection, _SQL.lock_project, values)
            [counted] = await _rows(connection, _SQL.count_users, values)
            if counted["users"] >= MOST_USERS:
                message = f"A project has {MOST_USERS:,} people at most; remove some first."
                raise AlreadyExists(TOO_MANY_USERS, message)
            rows = await _rows(connection, _SQL.add_user, values)
        if not rows:
            message = "The project has a person with this e-mail address already; change their role instead."
            raise AlreadyExists(USER_EXISTS, message)
        return _user(rows[0])

    async def list_users(self, project_id: int, *, removed: bool) -> list[User]:
        """By address."""
        values = {"project_id": project_id, "removed": removed, "limit": _LISTED}
        async with self._transaction() as connection:
            return [_user(row) for row in await _rows(connection, _SQL.list_users, values)]

    async def change_role(self, project_id: int, email: str, role: Role) -> User:
        """Raises NotFound."""
        values = {"project_id": project_id, "email": email, "role": role.value}
        async with self._transaction() as connection:
            return _user(_found(await _rows(connection, _SQL.change_role, values)))

    async def remove_user(self, project_id: int, email: str) -> User:
        """Ends their sessions, too; raises NotFound."""
        values = {"project_id": project_id, "email": email, "now": datetime.now(UTC)}
        async with self._transaction() as connection:
            user = _user(_found(await _rows(connection, _SQL.remove_user, values)))
            await _run(connection, _SQL.end_sessions_of_user, {"user_id": user.user_id})
        return user

    async def set_password(
        self,
        project_id: int,
        email: str,
        *,
        password_hash: str | None,
        link_hash: bytes | None,
        link_ends_at: datetime | None,
    ) -> User:
        """Another password, or none and a link; ends the person's sessions. Raises NotFound."""
        values = {
            "project_id": project_id,
            "email": email,
            "password_hash": password_hash,
            "link_hash": link_hash,
            "link_ends_at": link_ends_at,
        }
        async with self._transaction() as connection:
            user = _user(_found(await _rows(connection, _SQL.set_password, values)))
            await _run(connection, _SQL.end_sessions_of_user, {"user_id": user.user_id})
        return user

    async def email_of_link(self, link_hash: bytes) -> str | None:
        """Whose link it is; None when it was used, has ended, or is none."""
        values = {"link_hash": link_hash, "now": datetime.now(UTC)}
        async with self._transaction() as connection:
            rows = await _rows(connection, _SQL.find_link, values)
        return str(rows[0]["email"]) if rows else None

    async def take_link(self, link_hash: bytes, password_hash: str) -> User | None:
        """Sets the password by a link that works once, and ends the person's sessions; None as above."""
        values = {"link_hash": link_hash, "password_hash": password_hash, "now": datetime.now(UTC)}
        async with self._transaction() as connection:
            rows = await _rows(connection, _SQL.take_link, values)
            if not rows:
                return None
            user = _user(rows[0])
            await _run(connection, _SQL.end_sessions_of_user, {"user_id": user.user_id})
        return user

    async def find_password(self, email: str, project: str) -> PasswordHash | None:
        """What a password is compared with; `project` "": of the oldest project that has this address."""
        async with self._transaction() as connection:
            rows = await _rows(connection, _SQL.find_password, {"email": email, "project": project})
        if not rows:
            return None
        return PasswordHash(
            _user({**rows[0], "has_password": True}), rows[0]["project"], rows[0]["password_hash"]
        )

    async def project_name(self, project_id: int) -> str:
        """Raises NotFound."""
        async with self._transaction() as connection:
            row = _found(await _rows(connection, _SQL.project_name, {"project_id": project_id}))
        return str(row["name"])

    async def rehash(self, user_id: UUID, old_hash: str, new_hash: str) -> None:
        """The same password, hashed by what is the custom now."""
        values = {"user_id": user_id, "old_hash": old_hash, "new_hash": new_hash}
        async with self._transaction() as connection:
            await _run(connection, _SQL.rehash_password, values)

    async def begin_session(
        self, user_id: UUID, token_hash: bytes, user_agent: str, password_hash: str
    ) -> bool:
        """False when the person's password is another by now, or they were removed."""
        now = datetime.now(UTC)
        values = {
            "session_id": uuid4(),
            "user_id": user_id,
            "token_hash": token_hash,
            "user_agent": user_agent,
            "password_hash": password_hash,
            "now": now,
            "ends_at": now + LONGEST_SESSION,
            "idle_since": now - LONGEST_PAUSE,
            "most": MOST_SESSIONS,
        }
        async with self._transaction() as connection:
            begun = await _run(connection, _SQL.begin_session, values) == 1
            await _run(connection, _SQL.end_old_sessions, values)
            await _run(connection, _SQL.end_further_sessions, values)
            await _run(connection, _SQL.seen, values)
        return begun

    async def list_sessions(self, project_id: int, email: str) -> list[Session]:
        """Those that go on, newest first; of one person, or of all with ""."""
        now = datetime.now(UTC)
        values = {
            "project_id": project_id,
            "email": email,
            "now": now,
            "idle_since": now - LONGEST_PAUSE,
            "limit": _LISTED,
        }
        async with self._transaction() as connection:
            return [Session(**row) for row in await _rows(connection, _SQL.list_sessions, values)]

    async def end_session(self, project_id: int, session_id: UUID) -> int:
        """Raises NotFound."""
        values = {"project_id": project_id, "session_id": session_id}
        async with self._transaction() as connection:
            ended = await _run(connection, _SQL.end_session, values)
        if not ended:
            raise NotFound("This project has no such session; it may have ended by itself.")
        return ended

    async def end_sessions_of(self, project_id: int, email: str) -> int:
        """How many there were; raises NotFound."""
        values = {"project_id": project_id, "email": email}
        async with self._transaction() as connection:
            user = _found(await _rows(connection, _SQL.find_user, values))
            return await _run(connection, _SQL.end_sessions_of_user, {"user_id": user["user_id"]})

    async def sign_out(self, token_hash: bytes) -> None:
        """Ends the session of a token, if there is one."""
        async with self._transaction() as connection:
            await _run(connection, _SQL.end_session_of_token, {"token_hash": token_hash})

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[Connection]:
        with translated():
            async with self._pool.connection() as connection, connection.transaction():
                yield connection


async def find_session(connection: Connection, token_hash: bytes) -> DictRow | None:
    """The session of a token, with whose it is; None when it has ended."""
    now = datetime.now(UTC)
    values = {"token_hash": token_hash, "now": now, "idle_since": now - LONGEST_PAUSE}
    rows = await _rows(connection, _SQL.find_session, values)
    return rows[0] if rows else None


async def record_use(connection: Connection, uses: Mapping[UUID, datetime]) -> None:
    """Remembers when sessions were used, and their people seen. Ids of keys do nothing."""
    values = {"session_ids": list(uses), "used_at": list(uses.values())}
    if await _run(connection, _SQL.record_session_use, values):
        await _run(connection, _SQL.record_user_use, values)


async def _rows(connection: Connection, statement: str, values: Mapping[str, Any]) -> list[DictRow]:
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(statement.encode(), values)
        return await cursor.fetchall()


async def _run(connection: Connection, statement: str, values: Mapping[str, Any]) -> int:
    return (await connection.execute(statement.encode(), values)).rowcount


def _found(rows: Sequence[DictRow]) -> DictRow:
    if not rows:
        raise NotFound(_NOBODY)
    return rows[0]


def _user(row: Mapping[str, Any]) -> User:
    return User(
        user_id=row["user_id"],
        project_id=row["project_id"],
        email=row["email"],
        role=Role(row["role"]),
        created_at=row["created_at"],
        last_seen_at=row["last_seen_at"],
        ended_at=row["ended_at"],
        has_password=row["has_password"],
    )
