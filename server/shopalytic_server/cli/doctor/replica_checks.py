"""The check of `shopalytic doctor` on the database that answers the reports."""

from typing import Any

import psycopg

from shopalytic_server.cli.doctor.checks import Finding, Verdict
from shopalytic_server.cli.errors import first_line
from shopalytic_server.storage.database.sessions import connect_blocking

TOLERATED_LAG_SECONDS = 60.0

# A standby that has replayed all it received is not behind, however long ago
# the last transaction was.
_STATE = """
SELECT pg_is_in_recovery(),
       pg_is_wal_replay_paused(),
       pg_last_wal_receive_lsn() IS DISTINCT FROM pg_last_wal_replay_lsn(),
       coalesce(extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()), 0)::float,
       EXISTS (SELECT 1 FROM pg_stat_wal_receiver)
"""
_NAME = "replica"


def check_replica(database_url: str) -> Finding:
    """Whether the replica that answers the reports can be reached and keeps up."""
    try:
        with connect_blocking(database_url) as connection:
            return _judge(connection)
    except psycopg.Error as error:
        text = f"Cannot be used: {first_line(error)}. Check --reports-database-url; reports fail without it."
        return Finding(_NAME, Verdict.FAILED, text)


def _judge(connection: psycopg.Connection[Any]) -> Finding:
    row = connection.execute("SELECT pg_is_in_recovery()").fetchone()
    if row is None or not row[0]:
        return Finding(_NAME, Verdict.OK, "Reports are answered by a database that is not a standby.")
    state = connection.execute(_STATE).fetchone()
    _, paused, has_more, seconds, receiving = state or (True, False, False, 0.0, False)
    if paused:
        text = "Replay is paused, so reports stand still. `SELECT pg_wal_replay_resume()` lets it go on."
        return Finding(_NAME, Verdict.FAILED, text)
    if has_more and seconds > TOLERATED_LAG_SECONDS:
        text = f"Reports are {seconds:.0f} s behind. See what keeps the replica busy, or give it more speed."
        return Finding(_NAME, Verdict.WARNING, text)
    if not receiving:
        text = (
            "The replica receives nothing from its primary, so reports stand still. "
            "Check its primary_conninfo and the primary's pg_hba.conf and log."
        )
        return Finding(_NAME, Verdict.FAILED, text)
    return Finding(_NAME, Verdict.OK, "The replica receives and has replayed all it was sent.")
