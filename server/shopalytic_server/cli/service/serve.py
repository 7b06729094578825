"""`shopalytic serve`, `server` and `gateway`: run the service or a part of it until a signal ends it."""

import asyncio
import os
import shlex
from collections.abc import Coroutine, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from shopalytic_server.cli.errors import Failure
from shopalytic_server.cli.options import with_settings
from shopalytic_server.cli.output import is_read_by_a_person, say
from shopalytic_server.cli.service.dashboard import one_time_address, open_in_browser, open_option
from shopalytic_server.config import Settings
from shopalytic_server.domain.ingest import native
from shopalytic_server.process import logs, memory, tracing
from shopalytic_server.process.descriptors import raise_limit
from shopalytic_server.process.ending import EXIT_SECONDS, EndWatch
from shopalytic_server.process.signals import loop_factory
from shopalytic_server.state import DataDirectory

if TYPE_CHECKING:
    from shopalytic_server.app import Ready

# The service's parts are imported when one is run, so that `--help` does not wait for them.
STORE = ("data_dir", "database_url", "direct_database_url", "reports_database_url", "sql_port")
TLS = ("tls_cert", "tls_key", "allow_plaintext")
TLS_CLIENT = ("tls_ca", "tls_client_cert", "tls_client_key")
GRPC = ("grpc_host", "grpc_port", "tls_client_ca", "browser_key_rate", "key_rate", "grpc_address_rate")
EVENTS = ("client_addresses", "geoip_file")
LETTERS = ("public_url", "smtp_url", "mail_from", "webhooks_to_private_addresses")
QUARANTINE = tuple(
    f"quarantine_{key_class}_{unit}" for unit in ("mb", "days") for key_class in ("browser", "server")
)
HTTP = (
    "http_host",
    "http_port",
    "trusted_proxies",
    "address_rate",
    "script_path",
    "collect_path",
    "cookie_name",
    "cors_origins",
)
RUN = ("ready_file", "drain_timeout", "log_level", "log_format", "otlp_endpoint")
PROJECT = (
    "currency",
    "time_zone",
    "max_pending_events",
    "workers",
    "native_core",
    "metrics_host",
    "metrics_port",
    "rollups",
    "facts_dir",
    "facts_disk_mb",
    "reports_memory_mb",
    "reports_threads",
)


@click.command()
@open_option
@with_settings(*STORE, *GRPC, *QUARANTINE, *EVENTS, *LETTERS, *HTTP, *TLS, *PROJECT, *RUN)
def serve(settings: Settings, opens: bool) -> None:
    """Run everything in one process: PostgreSQL, gRPC and HTTP.

    The first start makes a project named "default" with one key of each class
    and keeps them in the data directory, where `shopalytic key show` reads
    them; a terminal is shown the new ones. SIGTERM and Ctrl-C let requests in flight finish; a
    second signal does not wait for them. With --workers, gRPC is served by so
    many processes of its own.

    \b
    Example:  shopalytic serve
    Example:  shopalytic serve --data-dir ./data --grpc-port 0 --http-port 0 --ready-file ready.json
    """
    from shopalytic_server import app

    tell = partial(announce, settings=settings, opens=opens)
    run(settings, app.serve(settings, with_http=True, announce=tell))


@click.command()
@with_settings(*STORE, *GRPC, *QUARANTINE, *EVENTS, *LETTERS, *TLS, *PROJECT, *RUN)
def server(settings: Settings) -> None:
    """Run gRPC and its PostgreSQL, without HTTP.

    \b
    Example:  shopalytic server --database-url postgresql://shop@db.example/shopalytic
    """
    from shopalytic_server import app

    run(settings, app.serve(settings, with_http=False, announce=lambda ready: announce(ready, settings)))


@click.command()
@with_settings("collector", *TLS_CLIENT, *EVENTS, *HTTP, *TLS, "metrics_host", "metrics_port", *RUN)
def gateway(settings: Settings) -> None:
    """Run HTTP alone, in front of a server elsewhere.

    \b
    Example:  shopalytic gateway --collector 10.0.0.5:50051 --tls-ca system
    """
    from shopalytic_server import app

    run(settings, app.run_gateway(settings, lambda address: say(f"The gateway is ready at {address}.")))


def run(settings: Settings, service: Coroutine[Any, Any, None]) -> None:
    """Run a service until a signal ends it."""
    # Or gRPC's handlers crash half of the processes that are forked while calls
    # run, before these become PostgreSQL; a service only forks to start a program.
    os.putenv("GRPC_ENABLE_FORK_SUPPORT", "0")
    logs.set_up(settings.log_level, settings.log_format)
    end_tracing = tracing.set_up(settings.otlp_endpoint)
    memory.tune()
    raise_limit()
    watch = EndWatch()
    try:
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            try:
                runner.run(service)
            finally:
                watch.at("the event loop", EXIT_SECONDS)
    except asyncio.CancelledError:
        raise Failure("Stopped at once. What was not answered was not stored; send it again.") from None
    finally:
        watch.at("the last traces", EXIT_SECONDS)
        end_tracing()
        watch.over()


def announce(ready: "Ready", settings: Settings, opens: bool = False) -> None:
    """Print what a person who started the service needs to know; with `opens`, show the dashboard."""
    keys_path = DataDirectory(settings.data_dir).keys_path
    flag = _data_dir_flag(settings)
    where = "outside" if settings.database_url else f"embedded, in {settings.data_dir}"
    lines = ["Shopalytic is ready.", f"  gRPC          {ready.grpc_address}"]
    if ready.http_address:
        lines.append(f"  HTTP          {ready.http_address}")
        lines += _dashboard_lines(ready, ready.http_address, flag)
    if ready.demo_address:
        lines.append(f"  demo shop     {ready.demo_address}")
    lines += [
        f"  database      {where}",
        f"  events        {native.described(settings.native_core)}",
        f"  project       {ready.project}",
    ]
    if ready.keys_are_new and is_read_by_a_person():
        lines += [f"  {name + ' key':<14}{secret}" for name, secret in ready.keys.items()]
    lines += [
        f"  keys          {'new,' if ready.keys_are_new else 'as before,'} in {keys_path}",
        f"                shopalytic key show admin{flag}  # or {_others(ready.keys, 'admin')}",
        "",
        "A first event, from Python:",
        "  from shopalytic import Client",
        f'  with Client("{ready.grpc_address}", key=KEY) as shop:  # shopalytic key show server{flag}',
        '      page = {"url": "https://shop.example/", "referrer": ""}',
        '      shop.track("page_view", page, tracking_id="visitor-1")',
        f"Then:  shopalytic customer show visitor-1{flag}",
    ]
    say("\n".join(lines))
    if opens and ready.http_address:
        address = f"{ready.http_address}/"
        if ready.opens_signed_in:
            address = one_time_address(ready.http_address, ready.keys["reports"])
        open_in_browser(settings.data_dir, address)


def _dashboard_lines(ready: "Ready", http_address: str, flag: str) -> list[str]:
    """An address that works once is a secret for a while: a journal or a log must not have it."""
    if ready.opens_signed_in and is_read_by_a_person():
        again = f"                (signs in once; `shopalytic dashboard{flag}` prints another)"
        return [f"  dashboard     {one_time_address(http_address, ready.keys['reports'])}", again]
    lines = [f"  dashboard     {http_address}/"]
    if ready.opens_signed_in:
        lines.append(f"                shopalytic dashboard{flag}  prints an address that signs in")
    return lines


def _others(names: Iterable[str], name: str) -> str:
    return ", ".join(each for each in names if each != name)


def _data_dir_flag(settings: Settings) -> str:
    if settings.data_dir == Settings().data_dir:
        return ""
    return f" --data-dir {shlex.quote(str(settings.data_dir))}"
