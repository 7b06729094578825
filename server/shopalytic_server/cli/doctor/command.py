"""`shopalytic doctor`: finds out what keeps a service from running well."""

from collections.abc import Iterator

import click

from shopalytic_server.cli.doctor.checks import (
    Finding,
    Verdict,
    check_descriptors,
    check_directory,
    check_native_core,
    check_places,
    check_ports,
    check_programs,
)
from shopalytic_server.cli.doctor.database_checks import check_database
from shopalytic_server.cli.doctor.replica_checks import check_replica
from shopalytic_server.cli.doctor.tls_checks import check_certificate
from shopalytic_server.cli.options import json_option, with_settings
from shopalytic_server.cli.output import print_json, print_table
from shopalytic_server.config import Settings
from shopalytic_server.state import DataDirectory, is_running


@click.command()
@with_settings(
    "data_dir",
    "database_url",
    "direct_database_url",
    "reports_database_url",
    "facts_dir",
    "native_core",
    "geoip_file",
    "grpc_host",
    "grpc_port",
    "http_host",
    "http_port",
    "tls_cert",
    "tls_key",
    "key",
)
@json_option
def doctor(settings: Settings, as_json: bool) -> None:
    """Check programs, disk, ports, certificate, database, replica, schema, keys and more, and say what to do.

    Exit code 1 when something failed; a warning is not a failure. The embedded
    PostgreSQL is started for the time of the check when nothing runs it.

    \b
    Example:  shopalytic doctor
    Example:  shopalytic doctor --database-url postgresql://shop@db.example/shopalytic --json
    """
    findings = list(_check(settings))
    failed = any(finding.verdict is Verdict.FAILED for finding in findings)
    if as_json:
        print_json({"ok": not failed, "checks": [finding._asdict() for finding in findings]})
    else:
        print_table(["check", "verdict", "what was found"], findings)
    if failed:
        raise SystemExit(1)


def _check(settings: Settings) -> Iterator[Finding]:
    yield check_programs()
    yield check_native_core(settings.native_core)
    yield check_descriptors()
    yield check_directory(settings.data_dir)
    running = DataDirectory(settings.data_dir).read_run()
    yield from check_ports(settings, running.get("grpc_address") if is_running(running) else None)
    if settings.tls_cert:
        yield check_certificate(settings.tls_cert, settings.tls_key)
    if settings.geoip_file:
        yield check_places(settings.geoip_file)
    yield from check_database(settings)
    if settings.reports_database_url:
        yield check_replica(settings.reports_database_url)
