"""The faults: each strikes a stage under load and mends nothing but what a supervisor would."""

import contextlib
import errno
import os
import random
import signal
import time
from collections.abc import Callable
from datetime import timedelta
from typing import NamedTuple

import psycopg

from faults.outside import kill_backend, postmaster_pid
from faults.stage import Apart, FakeClock, SmallDisk, Stage, Workers
from shopalytic_server.storage.schema.migrate import _LOCK_ID


class Strike(NamedTuple):
    """A fault, on which kind of stage it can happen, and what makes it happen."""

    name: str
    kind: str
    """The stage's kind, or `` for `serve` and `apart`."""
    happen: Callable[[Stage, random.Random, float], None]
    """Called with the stage, the dice, and for how many seconds what lasts is to last."""


def kill_server(stage: Stage, dice: random.Random, seconds: float) -> None:
    """kill -9 of the server, and a new one."""
    stage.services["server"].stop(signal.SIGKILL)
    time.sleep(dice.uniform(0, 0.5))
    stage.restart("server")


def kill_gateway(stage: Stage, dice: random.Random, seconds: float) -> None:
    """kill -9 of the gateway, and a new one."""
    stage.services["gateway"].stop(signal.SIGKILL)
    time.sleep(dice.uniform(0, 0.5))
    stage.restart("gateway")


def kill_postgres(stage: Stage, dice: random.Random, seconds: float) -> None:
    """kill -9 of PostgreSQL's first process."""
    os.kill(postmaster_pid(stage.data_dir), signal.SIGKILL)


def kill_everything(stage: Stage, dice: random.Random, seconds: float) -> None:
    """kill -9 of the server and of PostgreSQL, as a power cut would."""
    os.kill(postmaster_pid(stage.data_dir), signal.SIGKILL)
    stage.services["server"].stop(signal.SIGKILL)
    stage.restart("server")


def kill_one_backend(stage: Stage, dice: random.Random, seconds: float) -> None:
    """kill -9 of one connection's process, upon which PostgreSQL ends all others and recovers."""
    kill_backend(stage.database_url, dice.random(), signal.SIGKILL)


def end_one_backend(stage: Stage, dice: random.Random, seconds: float) -> None:
    """One connection is ended by an administrator."""
    kill_backend(stage.database_url, dice.random(), signal.SIGTERM)


def kill_worker(stage: Stage, dice: random.Random, seconds: float) -> None:
    """kill -9 of one of the server's processes, which the others outlive and the main one replaces."""
    workers = stage.services["server"].workers()
    assert len(workers) == Workers.processes, workers
    dice.choice(workers).kill()


def stop_server(stage: Stage, dice: random.Random, seconds: float) -> None:
    """SIGTERM under load, and a new one."""
    code = stage.services["server"].stop(signal.SIGTERM)
    assert code == 0, f"the server ended with {code}"
    stage.restart("server")


def postgres_away(stage: Stage, dice: random.Random, seconds: float) -> None:
    """PostgreSQL is stopped, and started again later."""
    assert isinstance(stage, Apart)
    stage.postgres.stop()
    time.sleep(seconds)
    stage.postgres.start()


def no_connection_left(stage: Stage, dice: random.Random, seconds: float) -> None:
    """Others hold every connection that PostgreSQL allows."""
    others: list[psycopg.Connection] = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            others.append(psycopg.connect(stage.database_url, autocommit=True))
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            # The service must not keep those that it has.
            others[-1].execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name LIKE 'shopalytic%'"
            )
    for other in others:
        other.close()


def clients_cut(stage: Stage, dice: random.Random, seconds: float) -> None:
    """Every connection of a client breaks, again and again."""
    assert isinstance(stage, Apart)
    for _ in range(5):
        stage.client_line.cut()
        time.sleep(dice.uniform(0, 0.3))


def clients_stalled(stage: Stage, dice: random.Random, seconds: float) -> None:
    """Nothing passes between the clients and the server."""
    assert isinstance(stage, Apart)
    stage.client_line.stall()
    time.sleep(seconds)
    stage.client_line.heal()


def clients_forgotten(stage: Stage, dice: random.Random, seconds: float) -> None:
    """The clients' connections are half-open: nobody is told that they are dead."""
    assert isinstance(stage, Apart)
    stage.client_line.forget()


def store_cut(stage: Stage, dice: random.Random, seconds: float) -> None:
    """Every connection to PostgreSQL breaks, again and again."""
    assert isinstance(stage, Apart)
    for _ in range(5):
        stage.store_line.cut()
        time.sleep(dice.uniform(0, 0.3))


def store_refusing(stage: Stage, dice: random.Random, seconds: float) -> None:
    """PostgreSQL's port refuses."""
    assert isinstance(stage, Apart)
    stage.store_line.refuse()
    time.sleep(seconds)
    stage.store_line.heal()


def store_stalled(stage: Stage, dice: random.Random, seconds: float) -> None:
    """Nothing passes between the server and PostgreSQL."""
    assert isinstance(stage, Apart)
    stage.store_line.stall()
    time.sleep(seconds)
    stage.store_line.heal()


def store_forgotten(stage: Stage, dice: random.Random, seconds: float) -> None:
    """The server's connections to PostgreSQL are half-open: nobody is told that they are dead."""
    assert isinstance(stage, Apart)
    stage.store_line.forget()


def locked(stage: Stage, dice: random.Random, seconds: float) -> None:
    """Another session holds a lock, so that nothing can be stored."""
    table = dice.choice(["event_keys", "events", "identities", "projects"])
    with psycopg.connect(stage.database_url) as other:
        other.execute(f"LOCK TABLE {table}")
        time.sleep(seconds)


def migrated(stage: Stage, dice: random.Random, seconds: float) -> None:
    """A second server starts while a newer version changes the schema; then both serve for a while."""
    assert isinstance(stage, Apart)
    column = f"later_{dice.randrange(1_000_000)}"
    with psycopg.connect(stage.database_url, autocommit=True) as other:
        other.execute(f"SELECT pg_advisory_lock({_LOCK_ID})")
        starting = stage.start_second()
        _alter(other, f"ADD COLUMN {column} int", min(2.0, seconds))
        other.execute(f"SELECT pg_advisory_unlock({_LOCK_ID})")
        starting.result(60)
        stage.send_to_second(min(3.0, seconds))
        _alter(other, f"DROP COLUMN {column}", 0)


def _alter(connection: psycopg.Connection, change: str, seconds: float) -> None:
    """Changes several tables at once, as migrations do; they too try again when ingest is in their way."""
    while True:
        with contextlib.suppress(psycopg.errors.DeadlockDetected), connection.transaction():
            for table in ("events", "event_keys", "identities", "order_revisions"):
                connection.execute(f"ALTER TABLE {table} {change}")
            time.sleep(seconds)
            return


def disk_full(stage: Stage, dice: random.Random, seconds: float) -> None:
    """Something else fills the disk that the data directory is on; later it is tidied up."""
    assert isinstance(stage, SmallDisk)
    filler = stage.data_dir.parent / "filler"
    end = time.monotonic() + seconds
    with filler.open("wb", buffering=0) as file:
        while time.monotonic() < end:
            try:
                file.write(b"x" * 4_096)
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
                time.sleep(0.01)
    filler.unlink()


def clock_jumps(stage: Stage, dice: random.Random, seconds: float) -> None:
    """The clock of server and gateway is set to another time, and to another, and right again."""
    assert isinstance(stage, FakeClock)
    for _ in range(3):
        stage.clock.write_text(f"{dice.uniform(-20, 20) * 3600:+.3f}")
        time.sleep(seconds / 3)
    stage.clock.write_text("+0")
    with psycopg.connect(stage.database_url) as connection:
        row = connection.execute("SELECT max(received_at) - min(received_at) FROM events").fetchone()
    assert row[0] > timedelta(minutes=10), f"the clock did not jump: {row[0]}"


STRIKES = (
    Strike("kill -9 server", "", kill_server),
    Strike("kill -9 gateway", "apart", kill_gateway),
    Strike("kill -9 PostgreSQL", "", kill_postgres),
    Strike("kill -9 server and PostgreSQL", "serve", kill_everything),
    Strike("kill -9 one backend", "", kill_one_backend),
    Strike("terminate one backend", "", end_one_backend),
    Strike("SIGTERM under load", "", stop_server),
    Strike("PostgreSQL away", "apart", postgres_away),
    Strike("no connection left", "apart", no_connection_left),
    Strike("clients cut", "apart", clients_cut),
    Strike("clients stalled", "apart", clients_stalled),
    Strike("clients half-open", "apart", clients_forgotten),
    Strike("store cut", "apart", store_cut),
    Strike("store refusing", "apart", store_refusing),
    Strike("store stalled", "apart", store_stalled),
    Strike("store half-open", "apart", store_forgotten),
    Strike("table locked", "", locked),
    Strike("migration, two servers", "apart", migrated),
    Strike("kill -9 one worker", "workers", kill_worker),
    Strike("kill -9 server with workers", "workers", kill_server),
    Strike("PostgreSQL away from workers", "workers", postgres_away),
    Strike("SIGTERM with workers", "workers", stop_server),
    Strike("disk full", "small", disk_full),
    Strike("clock jumps", "clock", clock_jumps),
)
