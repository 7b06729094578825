"""Faults that `shopalytic doctor` is there to find, each made for real where one machine can make it."""

import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from running.certificates import expire, make_pair
from running.running_service import Service, folder
from shopalytic_server.cli.doctor import checks, database_checks, tls_checks
from shopalytic_server.cli.doctor.checks import Finding, Verdict, check_directory
from shopalytic_server.cli.doctor.database_checks import check_database
from shopalytic_server.cli.doctor.replica_checks import check_replica
from shopalytic_server.cli.doctor.tls_checks import check_certificate
from shopalytic_server.config import Settings
from shopalytic_server.embedded import installation
from shopalytic_server.storage.schema import migrate as migrations

SETTINGS = Settings()


def database(url: str, path: Path) -> dict[str, Finding]:
    settings = replace(SETTINGS, data_dir=path, database_url=url)
    return {finding.check: finding for finding in check_database(settings)}


def test_an_old_postgresql_is_refused_before_anything_else_is_asked(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrations, "MINIMUM_SERVER_VERSION", 990000)
    [finding] = database(database_url, tmp_path).values()
    assert finding.verdict is Verdict.FAILED
    assert "needs version" in finding.message


def test_a_clock_that_is_off_is_told_with_how_much(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Early(datetime):
        @classmethod
        def now(cls, _zone: object = None) -> datetime:  # type: ignore[override]
            return datetime.now(UTC) - timedelta(minutes=10)

    monkeypatch.setattr(database_checks, "datetime", Early)
    finding = database(database_url, tmp_path)["clock"]
    assert finding.verdict is Verdict.WARNING
    assert "differ by 600 s" in finding.message or "differ by 599 s" in finding.message


def test_durability_that_is_switched_off_is_told(database_url: str, tmp_path: Path) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {connection.info.dbname} SET synchronous_commit = off")
    finding = database(database_url, tmp_path)["database"]
    assert (finding.verdict, "synchronous_commit is off" in finding.message) == (Verdict.WARNING, True)


def test_a_table_in_the_place_of_a_partition_is_a_failure(database_url: str, tmp_path: Path) -> None:
    name = f"events_{datetime.now(UTC):%Y_%m}"
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(f"CREATE TABLE {name} (nothing int)")
    finding = database(database_url, tmp_path)["partition"]
    assert finding.verdict is Verdict.FAILED
    assert name in finding.message


def test_little_and_no_room_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert check_directory(tmp_path).verdict is not Verdict.FAILED
    monkeypatch.setattr(checks, "LITTLE_SPACE", 1 << 60)
    assert check_directory(tmp_path).verdict is Verdict.WARNING
    monkeypatch.setattr(checks, "NO_SPACE", 1 << 60)
    assert check_directory(tmp_path).verdict is Verdict.FAILED


class Pair:
    """A primary and a standby of it, made by PostgreSQL's own programs and without the product's settings."""

    def __init__(self, path: Path) -> None:
        self._programs = installation.prepare(path, path / "postgres")
        self._path = path
        path.chmod(0o711)

    def run(self, program: str, *arguments: str | Path) -> None:
        options = self._programs.process_options() | {"check": True, "stdout": subprocess.DEVNULL}
        subprocess.run([self._programs.command(program), *map(str, arguments)], cwd="/", **options)

    def start(self, name: str) -> str:
        """Starts the server in the folder of this name; returns its address."""
        where = f"-c listen_addresses= -c unix_socket_directories={self.folder(f'{name}-socket')}"
        data = self._path / name
        self.run("pg_ctl", "-D", data, "-w", "-o", where, "-l", data / "log", "start")
        return f"host={self._path}/{name}-socket user=shop dbname=postgres"

    def stop(self, name: str) -> None:
        self.run("pg_ctl", "-D", self._path / name, "-w", "-m", "immediate", "stop")

    def folder(self, name: str) -> Path:
        path = self._path / name
        path.mkdir(mode=0o700)
        self._programs.give(path)
        return path


@pytest.fixture
def pair() -> Iterator[tuple[str, str]]:
    """The addresses of a primary and of its standby."""
    with folder() as path:
        made = Pair(path)
        made.run("initdb", "-D", made.folder("primary"), "-U", "shop", "-A", "trust", "--no-sync")
        primary = made.start("primary")
        try:
            made.run("pg_basebackup", "-d", primary, "-D", made.folder("standby"), "-R", "--checkpoint=fast")
            standby = made.start("standby")
            try:
                yield primary, standby
            finally:
                made.stop("standby")
        finally:
            made.stop("primary")


def test_a_replica_that_keeps_up_is_well_and_one_that_stands_still_is_told(
    pair: tuple[str, str],
) -> None:
    primary, standby = pair
    assert check_replica(primary).message.startswith("Reports are answered by a database that is not")
    # The standby opens before its stream from the primary does.
    with psycopg.connect(standby, autocommit=True) as connection:
        while not connection.execute("SELECT 1 FROM pg_stat_wal_receiver").fetchone():
            time.sleep(0.05)
    finding = check_replica(standby)
    assert (finding.verdict, finding.message[:20]) == (Verdict.OK, "The replica receives")
    with psycopg.connect(standby, autocommit=True) as connection:
        connection.execute("SELECT pg_wal_replay_pause()")
        assert "Replay is paused" in check_replica(standby).message
        connection.execute("SELECT pg_wal_replay_resume()")


def test_a_replica_that_is_not_there_is_told(tmp_path: Path) -> None:
    finding = check_replica(f"host={tmp_path} dbname=shop")
    assert finding.verdict is Verdict.FAILED
    assert "--reports-database-url" in finding.message


def test_a_certificate_is_judged_by_its_end_and_by_its_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair, other = make_pair(tmp_path, "shop"), make_pair(tmp_path, "other")
    soon = check_certificate(pair.certificate, pair.key)
    assert (soon.verdict, "ends in 1 days" in soon.message) == (Verdict.WARNING, True)
    monkeypatch.setattr(tls_checks, "SOON_DAYS", 0)
    assert check_certificate(pair.certificate, pair.key).verdict is Verdict.OK
    for key in (other.key, None, tmp_path / "none.key"):
        assert check_certificate(pair.certificate, key).verdict is Verdict.FAILED
    expire(pair)
    assert "has expired" in check_certificate(pair.certificate, pair.key).message


def test_a_service_with_tls_is_found_well_over_tls() -> None:
    with folder() as path:
        pair = make_pair(path, "shop")
        tls = ("--tls-cert", str(pair.certificate), "--tls-key", str(pair.key))
        with Service(path, *tls) as service:
            ports = [
                *("--grpc-port", service.ready["grpc_address"].rpartition(":")[2]),
                *("--http-port", service.ready["http_address"].rpartition(":")[2]),
            ]
            found = {each["check"]: each for each in service.json("doctor", *ports, *tls)["checks"]}
            assert "can store" in found["gRPC port"]["message"]
            assert "gateway answers" in found["HTTP port"]["message"]
            assert found["certificate"]["verdict"] == "warning"
