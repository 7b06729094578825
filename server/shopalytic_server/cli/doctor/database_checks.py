"""The checks of `shopalytic doctor` that ask the database."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import psycopg

from shopalytic_server.cli.database.location import database_of
from shopalytic_server.cli.doctor.checks import Finding, Verdict
from shopalytic_server.cli.doctor.cluster_checks import check_cluster
from shopalytic_server.cli.errors import OWNERSHIP, first_line
from shopalytic_server.config import Settings
from shopalytic_server.domain.errors import ShopalyticError
from shopalytic_server.domain.projects import hash_secret
from shopalytic_server.embedded import EmbeddedPostgresError
from shopalytic_server.state import DataDirectory
from shopalytic_server.storage.database import queries
from shopalytic_server.storage.database.sessions import connect_blocking, is_shared
from shopalytic_server.storage.facts.files import FactFiles
from shopalytic_server.storage.facts.versions import read_versions_blocking
from shopalytic_server.storage.schema.migrate import pending, why_unfit

Connection = psycopg.Connection[Any]
TOLERATED_SECONDS = 5.0
_POOLER = "A pooler such as PgBouncer is in front of PostgreSQL, so statements are not prepared."
SQL = queries.load("projects")


def check_database(settings: Settings) -> Iterator[Finding]:
    """Everything about the database; the later checks are left out when an earlier one fails."""
    try:
        with (
            database_of(settings) as url,
            connect_blocking(url) as connection,
        ):
            version = _check_version(connection, settings)
            yield version
            if version.verdict is not Verdict.FAILED:
                yield from _check_pooler(connection, settings)
                yield _check_clock(connection)
                yield from _check_schema(url, connection, settings)
                yield from check_cluster(connection)
    except (psycopg.Error, ShopalyticError, EmbeddedPostgresError) as error:
        text = f"Cannot be used: {first_line(error)}. Check --database-url, or whether PostgreSQL runs."
        yield Finding("database", Verdict.FAILED, text)


def _check_version(connection: Connection, settings: Settings) -> Finding:
    where = "outside" if settings.database_url else "embedded"
    text = f"PostgreSQL {connection.info.parameter_status('server_version')}, {where}."
    if unfit := why_unfit(connection):
        return Finding("database", Verdict.FAILED, f"{text} {unfit}")
    may_create = _value(
        connection,
        "SELECT has_database_privilege(current_database(), 'CREATE')"
        " AND coalesce(has_schema_privilege(current_schema, 'CREATE'), false)",
    )
    if not may_create:
        user = _value(connection, "SELECT current_user")
        return Finding("database", Verdict.FAILED, f'{text} "{user}" may not create tables. {OWNERSHIP}')
    durable = _value(
        connection,
        "SELECT current_setting('fsync') = 'on' AND current_setting('synchronous_commit') <> 'off'",
    )
    if not durable:
        advice = "fsync or synchronous_commit is off, so a crash can lose events that were answered."
        return Finding("database", Verdict.WARNING, f"{text} {advice}")
    return Finding("database", Verdict.OK, text)


def _check_pooler(connection: Connection, settings: Settings) -> Iterator[Finding]:
    """What a pooler in front of PostgreSQL changes; nothing where there is none."""
    if not settings.direct_database_url:
        if is_shared(connection):
            text = f"{_POOLER} Live events of other servers are not seen; --direct-database-url changes that."
            yield Finding("pooler", Verdict.WARNING, text)
    elif is_shared(connection):
        text = "--direct-database-url leads to a pooler. Give PostgreSQL's own address."
        yield Finding("pooler", Verdict.WARNING, text)
    else:
        with connect_blocking(settings.database_url) as pooled:
            if is_shared(pooled):
                yield Finding("pooler", Verdict.OK, f"{_POOLER} --direct-database-url goes past it.")


def _check_clock(connection: Connection) -> Finding:
    before = datetime.now(UTC)
    there = _value(connection, "SELECT clock_timestamp()")
    after = datetime.now(UTC)
    off = max((before - there).total_seconds(), (there - after).total_seconds(), 0.0)
    if off > TOLERATED_SECONDS:
        text = f"The database's clock and this machine's differ by {off:.0f} s. Let both follow NTP."
        return Finding("clock", Verdict.WARNING, text)
    return Finding("clock", Verdict.OK, "The database's clock and this machine's agree.")


def _check_schema(url: str, connection: Connection, settings: Settings) -> Iterator[Finding]:
    names = pending(url)
    if names:
        text = f"Not applied yet: {', '.join(names)}. `shopalytic migrate` or the next `serve` does it."
        yield Finding("schema", Verdict.WARNING, text)
        return
    yield Finding("schema", Verdict.OK, "Up to date.")
    yield _check_partition(connection)
    yield from _check_keys(connection, settings)
    yield from _check_facts(connection, settings)


def _check_partition(connection: Connection) -> Finding:
    name = f"events_{datetime.now(UTC):%Y_%m}"
    attached = _value(
        connection,
        "SELECT count(*) FROM pg_inherits"
        " WHERE inhparent = to_regclass('events') AND inhrelid = to_regclass(%s)",
        [name],
    )
    if attached:
        return Finding("partition", Verdict.OK, f"This month's events go to {name}.")
    if _value(connection, "SELECT to_regclass(%s) IS NOT NULL", [name]):
        text = (
            f"A table {name} exists that is not a partition of events; this month's events cannot be stored."
        )
        return Finding("partition", Verdict.FAILED, text)
    return Finding("partition", Verdict.OK, f"{name} will be made with this month's first event.")


def _check_facts(connection: Connection, settings: Settings) -> Iterator[Finding]:
    """How many past days reports need not read anew; nothing before the first server has begun."""
    folder = settings.facts_folder
    if not os.access(folder, os.W_OK | os.X_OK):
        return
    files = FactFiles(folder)
    currencies: dict[int, str] = dict(connection.execute(queries.load("facts/changes").datasets.encode()))
    versions = read_versions_blocking(connection, currencies)
    kept = {
        (unit.dataset, day)
        for unit in files.units()
        for day in unit.valid(versions, currencies.get(unit.dataset, ""))
    }
    missing = len(versions.days) - len(kept)
    size = f"{files.size() / 1_000_000:,.0f} MB"
    if missing:
        text = f"{missing} of {len(versions.days)} past days are read from PostgreSQL until a server has made"
        yield Finding("facts", Verdict.OK, f"{text} their files, which take {size}.")
    else:
        yield Finding("facts", Verdict.OK, f"All {len(kept)} past days have files, which take {size}.")


def _check_keys(connection: Connection, settings: Settings) -> Iterator[Finding]:
    directory = DataDirectory(settings.data_dir)
    secrets = {
        f"{name} key in {directory.keys_path}": secret for name, secret in directory.read_keys().items()
    }
    if settings.key:
        secrets["key in --key or SHOPALYTIC_KEY"] = settings.key
    invalid = [name for name, secret in secrets.items() if not _is_valid(connection, secret)]
    if invalid:
        text = (
            f"Unknown to this database or revoked: {'; '.join(invalid)}. The next `serve` replaces its own."
        )
        yield Finding("keys", Verdict.WARNING, text)
    elif secrets:
        yield Finding("keys", Verdict.OK, f"{len(secrets)} known keys are valid.")
    else:
        yield Finding("keys", Verdict.OK, "None kept here yet; the first `serve` makes them.")


def _is_valid(connection: Connection, secret: str) -> bool:
    values = {"secret_hash": hash_secret(secret), "now": datetime.now(UTC)}
    found = connection.execute(SQL.find_key.encode(), values)
    return found.fetchone() is not None


def _value(connection: Connection, statement: str, values: list[Any] | None = None) -> Any:
    row = connection.execute(statement.encode(), values).fetchone()
    return row[0] if row else None
