"""Roles of the database for people who write SQL: each reads the views of one project."""

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import psycopg
from psycopg import errors, sql
from psycopg.rows import class_row

from shopalytic.events.violations import Violation
from shopalytic_server.domain.errors import AlreadyExists, InvalidRequest, NotFound, StoreUnavailable
from shopalytic_server.domain.sql_roles import ANALYSTS
from shopalytic_server.storage.analytics.views import SCHEMA, ensure_views
from shopalytic_server.storage.database.sessions import connect_blocking

STATEMENT_SECONDS = 60
CONNECTIONS = 5

# What needs no quotes in a connection string or in SQL.
_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")


@dataclass(frozen=True, slots=True)
class Role:
    """A role that may read the views of a project, with or without personal data."""

    role: str
    project: str
    personal_data: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Granted:
    """A role and its new password; None if the role was there before and keeps its own."""

    role: str
    # Whether the database may be reached over TCP.
    over_tcp: bool
    password: str | None = field(repr=False)


def grant(
    database_url: str, name: str, project: str, *, personal_data: bool, creator_url: str | None = None
) -> Granted:
    """Makes a role that reads the views of `analytics`, or changes what one of these may read.

    `creator_url` is where roles may be created, if not at `database_url`.
    A role of the database that is none of these is taken if it may log in, and nothing else.
    Raises InvalidRequest, NotFound (the project), AlreadyExists and StoreUnavailable.
    """
    if not _NAME.fullmatch(name):
        message = "take at most 63 of a-z, 0-9 and _, with no digit at the beginning, such as metabase"
        raise InvalidRequest([Violation("name", "sql_role.name", message)])
    with _connected(database_url) as connection:
        row = connection.execute("SELECT project_id FROM projects WHERE name = %s", [project]).fetchone()
        if row is None:
            raise NotFound(f"There is no project {project!r}.")
        ensure_views(connection, create=True)
        with _connected(creator_url or database_url) as creator:
            password = _ensure_role(creator, name, is_ours=_is_ours(connection, name))
        with connection.transaction():
            connection.execute(
                "INSERT INTO sql_roles (role, project_id, personal_data) VALUES (%s, %s, %s)"
                " ON CONFLICT (role) DO UPDATE SET project_id = excluded.project_id,"
                " personal_data = excluded.personal_data",
                [name, row[0], personal_data],
            )
            _let_read(connection, name)
        over_tcp = connection.execute("SELECT current_setting('listen_addresses') <> ''").fetchone()
    return Granted(name, over_tcp == (True,), password)


def listed(database_url: str) -> list[Role]:
    """The roles that were granted, by name."""
    with _connected(database_url) as connection, connection.cursor(row_factory=class_row(Role)) as cursor:
        cursor.execute(
            "SELECT r.role, p.name AS project, r.personal_data, r.created_at"
            "  FROM sql_roles r JOIN projects p USING (project_id) ORDER BY r.role"
        )
        return cursor.fetchall()


def revoke(database_url: str, name: str, *, creator_url: str | None = None) -> None:
    """Ends a role: its sessions, its rights, the role itself. Raises NotFound and StoreUnavailable."""
    with _connected(database_url) as connection:
        if not _is_ours(connection, name):
            raise NotFound(f"There is no role {name!r}; `shopalytic sql list` names those that are there.")
        role = sql.Identifier(name)
        with connection.transaction():
            connection.execute("DELETE FROM sql_roles WHERE role = %s", [name])
            if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name]).rowcount:
                views = sql.SQL("REVOKE ALL ON ALL TABLES IN SCHEMA {} FROM {}")
                connection.execute(views.format(sql.Identifier(SCHEMA), role))
                schema = sql.SQL("REVOKE ALL ON SCHEMA {} FROM {}")
                connection.execute(schema.format(sql.Identifier(SCHEMA), role))
                database = sql.SQL("REVOKE ALL ON DATABASE {} FROM {}")
                connection.execute(database.format(sql.Identifier(connection.info.dbname), role))
    with _connected(creator_url or database_url) as creator:
        creator.execute(sql.SQL("ALTER ROLE {} NOLOGIN").format(role))
        creator.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s", [name])
        creator.execute(sql.SQL("DROP ROLE {}").format(role))


def _is_ours(connection: psycopg.Connection[Any], name: str) -> bool:
    return connection.execute("SELECT 1 FROM sql_roles WHERE role = %s", [name]).rowcount == 1


def _ensure_role(creator: psycopg.Connection[Any], name: str, *, is_ours: bool) -> str | None:
    """Makes the role unless it is there; its password if it is new."""
    role = sql.Identifier(name)
    found = creator.execute(
        "SELECT rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls OR NOT rolcanlogin"
        "       OR EXISTS (SELECT 1 FROM pg_auth_members m WHERE m.member = r.oid"
        "                     AND m.roleid::regrole::text <> %s)"
        "  FROM pg_roles r WHERE rolname = %s",
        [ANALYSTS, name],
    ).fetchone()
    if found is not None:
        if not is_ours and found[0]:
            raise AlreadyExists(
                f"The database has a role {name!r} that may do more than log in and read; take another name."
            )
        return None
    if creator.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [ANALYSTS]).rowcount == 0:
        creator.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(ANALYSTS)))
    password = secrets.token_urlsafe(24)
    with creator.transaction():
        creator.execute(
            sql.SQL("CREATE ROLE {} LOGIN PASSWORD {} CONNECTION LIMIT {} IN ROLE {}").format(
                role, sql.Literal(password), sql.Literal(CONNECTIONS), sql.Identifier(ANALYSTS)
            )
        )
        for setting, value in (
            ("default_transaction_read_only", "on"),
            ("statement_timeout", f"{STATEMENT_SECONDS}s"),
            ("idle_in_transaction_session_timeout", f"{STATEMENT_SECONDS}s"),
            ("search_path", SCHEMA),
        ):
            creator.execute(
                sql.SQL("ALTER ROLE {} SET {} = {}").format(role, sql.Identifier(setting), sql.Literal(value))
            )
    return password


def _let_read(connection: psycopg.Connection[Any], name: str) -> None:
    role, schema = sql.Identifier(name), sql.Identifier(SCHEMA)
    database = sql.Identifier(connection.info.dbname)
    connection.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(database, role))
    connection.execute(sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(schema, role))
    connection.execute(sql.SQL("GRANT SELECT ON ALL TABLES IN SCHEMA {} TO {}").format(schema, role))


@contextmanager
def _connected(database_url: str) -> Iterator[psycopg.Connection[Any]]:
    try:
        with connect_blocking(database_url) as connection:
            yield connection
    except errors.InsufficientPrivilege as error:
        raise StoreUnavailable(
            "The database's role lacks a right that this needs: CREATE on the database (for the schema"
            f" {SCHEMA}) and CREATEROLE (for the new role). Give them to it, or name one that has them in"
            " --direct-database-url."
        ) from error
    except psycopg.OperationalError as error:
        raise StoreUnavailable(f"The database cannot be reached: {error}") from error
