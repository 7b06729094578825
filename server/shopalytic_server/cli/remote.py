"""How client commands reach a service: its address, a fitting key, and one channel."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import grpc

from shopalytic.sending.connection import channel_credentials
from shopalytic_server.cli.errors import Failure
from shopalytic_server.config import TABLE, Settings
from shopalytic_server.state import DataDirectory, is_running

DEFAULT_TARGET = "127.0.0.1:50051"
CALL_SECONDS = 120.0
# Tells within a minute that a service vanished without a word; it allows a ping each ten seconds.
_KEEPALIVE = (("grpc.keepalive_time_ms", 30_000), ("grpc.keepalive_timeout_ms", 10_000))
_OWN_HOSTS = ("127.0.0.1", "localhost", "[::1]")


@dataclass(frozen=True, slots=True)
class Remote:
    """An open channel and what each call over it needs."""

    channel: grpc.Channel
    metadata: tuple[tuple[str, str], ...]
    target: str


def target_of(settings: Settings) -> str:
    """The address to call: the setting, else that of the service on the data directory.

    The default address is used only where nobody named a place: the service there may be another one,
    and must not see this directory's key. Raises Failure where the directory's service has ended.
    """
    if settings.target:
        return settings.target
    running = DataDirectory(settings.data_dir).read_run()
    if running and is_running(running) and running.get("grpc_address"):
        return str(running["grpc_address"])
    start = (
        f"Start it with `shopalytic serve --data-dir {settings.data_dir}`,"
        " or name the address of another service with --target."
    )
    if running:
        raise Failure(f"The service of {settings.data_dir} has ended. {start}")
    if settings.data_dir != TABLE["data_dir"].default:
        raise Failure(f"No service runs on {settings.data_dir}. {start}")
    return DEFAULT_TARGET


def key_of(settings: Settings, key_class: str, target: str) -> str:
    """The key to use: the setting, else the data directory's, which goes to this machine only."""
    if settings.key:
        return settings.key
    if target.rpartition(":")[0] not in _OWN_HOSTS:
        raise Failure(f"No key for {target}: give one of class {key_class} with --key or SHOPALYTIC_KEY.")
    return kept_key(settings, key_class)


def kept_key(settings: Settings, key_class: str) -> str:
    """The default project's key that `serve` keeps in the data directory."""
    secret = DataDirectory(settings.data_dir).read_keys().get(key_class)
    if not secret:
        raise Failure(
            f"No key of class {key_class} in {settings.data_dir}: start `shopalytic serve` there once,"
            " name another place with --data-dir, or give a key with --key or SHOPALYTIC_KEY."
        )
    return secret


@contextmanager
def connect(settings: Settings, key_class: str, *, keepalive: bool = False) -> Iterator[Remote]:
    """A channel to the service, with the key in each call's metadata.

    `keepalive`: for calls that may last for hours.
    """
    target = target_of(settings)
    key = key_of(settings, key_class, target)
    if not key.isascii() or not key.isprintable():
        raise Failure("The key has characters that no key has: check --key or SHOPALYTIC_KEY.")
    options = [("grpc.max_receive_message_length", 64 * 1024 * 1024), *(_KEEPALIVE if keepalive else ())]
    with _channel(settings, target, options) as channel:
        yield Remote(channel, bearer(key), target)


def _channel(settings: Settings, target: str, options: list[tuple[str, int]]) -> grpc.Channel:
    if not settings.tls_ca:
        return grpc.insecure_channel(target, options=options)
    try:
        credentials = channel_credentials(settings.tls_ca, settings.tls_client_cert, settings.tls_client_key)
    except OSError as error:
        raise Failure(f"A file for TLS cannot be read: {error.filename}: {error.strerror}.") from None
    return grpc.secure_channel(target, credentials, options=options)


def bearer(key: str) -> tuple[tuple[str, str], ...]:
    """The metadata that shows a key."""
    return (("authorization", f"Bearer {key}"),)
