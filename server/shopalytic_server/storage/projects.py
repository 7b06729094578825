"""Keeps projects and keys in PostgreSQL."""

import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from psycopg.rows import DictRow, dict_row
from psycopg.types.json import Jsonb

from shopalytic_server.domain.access.people import LONGEST_PAUSE, Person, Role
from shopalytic_server.domain.errors import AlreadyExists, NotFound
from shopalytic_server.domain.formats.order_numbers import Groups
from shopalytic_server.domain.projects import (
    DEFAULT_BROWSER_EVENT_TYPES,
    DEFAULT_CURRENCY,
    SECRET_BYTES,
    DeniedConsent,
    IssuedKey,
    Key,
    KeyClass,
    Project,
    hash_secret,
    hint,
    in_catalogue_order,
    new_identity_secret,
    new_secret,
)
from shopalytic_server.storage.database.connections import Connection, Pool, translated
from shopalytic_server.storage.database.queries import load
from shopalytic_server.storage.people.store import find_session, record_use

SQL = load("projects")

NAME_TAKEN = "PROJECT_NAME_TAKEN"


class Projects:
    """Projects and keys, over a pool of connections. Everything may raise StoreUnavailable."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def create_project(
        self, name: str, currency: str | None = None, time_zone: str = "UTC"
    ) -> tuple[Project, list[IssuedKey]]:
        """Makes a project and one key of each class; raises AlreadyExists when the name is taken.

        Without a currency the project takes that of the first money that arrives.
        """
        async with self._connection() as connection, connection.transaction():
            row = await _row(
                connection,
                SQL.create_project,
                {
                    "name": name,
                    "currency": currency or DEFAULT_CURRENCY,
                    "currency_open": currency is None,
                    "time_zone": time_zone,
                    "browser_event_types": in_catalogue_order(DEFAULT_BROWSER_EVENT_TYPES),
                    "created_at": datetime.now(UTC),
                },
            )
            if row is None:
                message = f"A project named {name!r} exists already; choose another name."
                raise AlreadyExists(NAME_TAKEN, message, {"name": name})
            project = _project(row)
            keys = [await _issue(connection, project.project_id, key_class, "") for key_class in KeyClass]
        return project, keys

    async def get_project(self, project_id: int) -> Project:
        """Raises NotFound."""
        async with self._connection() as connection:
            row = await _row(connection, SQL.get_project, {"project_id": project_id})
        return _project(_found(row, "project"))

    async def find_project(self, name: str) -> Project | None:
        """The project of this name."""
        async with self._connection() as connection:
            row = await _row(connection, SQL.find_project, {"name": name})
        return _project(row) if row is not None else None

    async def list_projects(self) -> list[Project]:
        """All projects, oldest first."""
        async with self._connection() as connection:
            rows = await _rows(connection, SQL.list_projects, {})
        return [_project(row) for row in rows]

    async def update_project(
        self,
        project_id: int,
        *,
        time_zone: str | None = None,
        currency: str | None = None,
        browser_event_types: Sequence[str] | None = None,
        browser_event_types_as_default: bool = False,
        allowed_origins: Sequence[str] | None = None,
        own_user_agents: Sequence[str] | None = None,
        order_number_groups: Groups | None = None,
        respect_privacy_signals: bool | None = None,
        signed_identify: bool | None = None,
        denied_consent: DeniedConsent | None = None,
        retention: Mapping[str, int | None] | None = None,
        retention_as_default: Sequence[str] = (),
    ) -> Project:
        """Changes what is given; raises NotFound. Of `retention` types that are not given stay, too."""
        if browser_event_types_as_default:
            browser_event_types = list(DEFAULT_BROWSER_EVENT_TYPES)
        types = None if browser_event_types is None else in_catalogue_order(browser_event_types)
        values = {
            "project_id": project_id,
            "time_zone": time_zone,
            "currency": currency,
            "browser_event_types": types,
            "types_as_default": browser_event_types_as_default,
            "allowed_origins": None if allowed_origins is None else sorted(set(allowed_origins)),
            "own_user_agents": None if own_user_agents is None else list(dict.fromkeys(own_user_agents)),
            "order_number_groups": None if order_number_groups is None else Jsonb(order_number_groups),
            "respect_privacy_signals": respect_privacy_signals,
            "signed_identify": signed_identify,
            "denied_consent": denied_consent,
            "new_salt": secrets.token_bytes(SECRET_BYTES),
            "retention": Jsonb(retention or {}),
            "as_default": list(retention_as_default),
        }
        async with self._connection() as connection:
            row = await _row(connection, SQL.update_project, values)
        return _project(_found(row, "project"))

    async def settle_currency(self, project_id: int, named: str | None) -> Project:
        """The project, whose currency the first money decides; `named` is what that money names.

        Of several callers the first decides. Raises NotFound.
        """
        async with self._connection() as connection:
            values = {"project_id": project_id, "currency": named}
            row = await _row(connection, SQL.settle_currency, values)
            row = row or await _row(connection, SQL.get_project, values)
        return _project(_found(row, "project"))

    async def rotate_identity_secret(self, project_id: int, *, end_previous: bool) -> str:
        """A new secret that identities are signed with; raises NotFound."""
        secret = new_identity_secret(secrets.token_bytes(SECRET_BYTES))
        values = {"project_id": project_id, "secret": secret, "kept": 0 if end_previous else 1}
        async with self._connection() as connection:
            _found(await _row(connection, SQL.rotate_identity_secret, values), "project")
        return secret

    async def find_key(self, secret_hash: bytes) -> tuple[Key, Project] | None:
        """The valid key with this secret, and its project; None if there is none or it has ended.

        A session's token is the secret of a key, too, which has a person.
        """
        async with self._connection() as connection:
            values = {"secret_hash": secret_hash, "now": datetime.now(UTC)}
            row = await _row(connection, SQL.find_key, values)
            if row is None:
                return await self._find_session(connection, secret_hash)
        return _key(row), _project({**row, "created_at": row["project_created_at"]})

    async def _find_session(self, connection: Connection, token_hash: bytes) -> tuple[Key, Project] | None:
        session = await find_session(connection, token_hash)
        row = session and await _row(connection, SQL.get_project, session)
        if session is None or row is None:
            return None
        role = Role(session["role"])
        key = Key(
            key_id=session["session_id"],
            project_id=session["project_id"],
            # The role allows less; see `domain.access.roles`.
            key_class=KeyClass.ADMIN if role is Role.OWNER else KeyClass.REPORTS,
            label="",
            hint="",
            created_at=session["created_at"],
            expires_at=min(session["ends_at"], session["last_seen_at"] + LONGEST_PAUSE),
            last_used_at=session["last_seen_at"],
            person=Person(session["user_id"], session["email"], role),
        )
        return key, _project(row)

    async def create_key(
        self, project_id: int, key_class: KeyClass, label: str = "", expires_at: datetime | None = None
    ) -> IssuedKey:
        """Makes a key; its secret is in the answer and nowhere else."""
        async with self._connection() as connection:
            return await _issue(connection, project_id, key_class, label, expires_at)

    async def rotate_key(self, project_id: int, key_id: UUID, overlap: timedelta) -> tuple[IssuedKey, Key]:
        """A new key in another's place, and the old one, which ends after `overlap`; raises NotFound."""
        now = datetime.now(UTC)
        values = {"project_id": project_id, "key_id": key_id, "expires_at": now + overlap, "now": now}
        async with self._connection() as connection, connection.transaction():
            row = await _row(connection, SQL.expire_key, values)
            old = _key(_found(row, "valid key"))
            return await _issue(connection, project_id, old.key_class, old.label), old

    async def record_key_use(self, uses: Mapping[UUID, datetime]) -> None:
        """Remembers when keys and sessions were used."""
        values = {"key_ids": list(uses), "used_at": list(uses.values())}
        async with self._connection() as connection:
            await connection.execute(SQL.record_key_use.encode(), values)
            await record_use(connection, uses)

    async def list_keys(self, project_id: int) -> list[Key]:
        """All keys of a project, revoked ones too, oldest first."""
        async with self._connection() as connection:
            rows = await _rows(connection, SQL.list_keys, {"project_id": project_id})
        return [_key(row) for row in rows]

    async def revoke_key(self, project_id: int, key_id: UUID) -> Key:
        """Ends a key for good; raises NotFound when it is not one of this project's."""
        values = {"project_id": project_id, "key_id": key_id, "revoked_at": datetime.now(UTC)}
        async with self._connection() as connection:
            row = await _row(connection, SQL.revoke_key, values)
        return _key(_found(row, "key"))

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Connection]:
        with translated():
            async with self._pool.connection() as connection:
                yield connection


async def _issue(
    connection: Connection,
    project_id: int,
    key_class: KeyClass,
    label: str,
    expires_at: datetime | None = None,
) -> IssuedKey:
    secret = new_secret(key_class, secrets.token_bytes(SECRET_BYTES))
    values = {
        "key_id": uuid4(),
        "project_id": project_id,
        "key_class": key_class.value,
        "label": label,
        "hint": hint(secret, key_class),
        "secret_hash": hash_secret(secret),
        "created_at": datetime.now(UTC),
        "expires_at": expires_at,
    }
    return IssuedKey(_key(_found(await _row(connection, SQL.create_key, values), "key")), secret)


async def _row(connection: Connection, statement: str, values: Mapping[str, Any]) -> DictRow | None:
    rows = await _rows(connection, statement, values)
    return rows[0] if rows else None


async def _rows(connection: Connection, statement: str, values: Mapping[str, Any]) -> list[DictRow]:
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(statement.encode(), values)
        return await cursor.fetchall()


def _found(row: DictRow | None, what: str) -> DictRow:
    if row is None:
        where = "There is" if what == "project" else "This project has"
        raise NotFound(f"{where} no such {what}.")
    return row


def _project(row: Mapping[str, Any]) -> Project:
    # Servers of a version that does not know the default write their choice beside it.
    by_default = row["default_event_types"] == row["browser_event_types"]
    return Project(
        project_id=row["project_id"],
        name=row["name"],
        currency=row["currency"],
        changed_from=row["first_currency"],
        currency_open=row["currency_open"],
        time_zone=row["time_zone"],
        browser_event_types=(
            DEFAULT_BROWSER_EVENT_TYPES if by_default else frozenset(row["browser_event_types"])
        ),
        browser_event_types_by_default=by_default,
        allowed_origins=frozenset(row["allowed_origins"]),
        own_user_agents=tuple(row["own_user_agents"]),
        order_number_groups=tuple(map(tuple, row["order_number_groups"])),
        respect_privacy_signals=row["respect_privacy_signals"],
        signed_identify=row["signed_identify"],
        identity_secrets=tuple(row["identity_secrets"]),
        denied_consent=DeniedConsent(row["denied_consent"]),
        anonymous_salt=row["anonymous_salt"] or b"",
        token_secret=row["token_secret"],
        retention=tuple(sorted(row["retention"].items())),
        created_at=row["created_at"],
    )


def _key(row: Mapping[str, Any]) -> Key:
    return Key(
        key_id=row["key_id"],
        project_id=row["project_id"],
        key_class=KeyClass(row["key_class"]),
        label=row["label"],
        hint=row["hint"],
        created_at=row["created_at"],
        revoked_at=row["revoked_at"],
        expires_at=row["expires_at"],
        last_used_at=row["last_used_at"],
    )
