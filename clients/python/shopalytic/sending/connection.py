"""Where the server is, how to prove who is calling, and the channel options both clients share."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc

TRACK_METHOD = "/shopalytic.v1.CollectorService/Track"
DEFAULT_TARGET = "127.0.0.1:50051"

# A server that comes back is found within seconds; gRPC's own default waits up to two minutes.
# The subchannel pool is local because a shared one would hand a forked child its parent's socket,
# and would give a renewed channel the very connection that stopped answering.
_CHANNEL_OPTIONS: tuple[tuple[str, Any], ...] = (
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 5_000),
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.max_receive_message_length", 64 * 1024 * 1024),
)


def channel_credentials(
    authority: str | os.PathLike[str],
    certificate: str | os.PathLike[str] | None = None,
    key: str | os.PathLike[str] | None = None,
) -> grpc.ChannelCredentials:
    """TLS that trusts the PEM file `authority`, or the machine's own for "system"; raises OSError.

    `certificate` and `key` are PEM files to show to a server that asks for them.
    """
    roots = None if str(authority) == "system" else Path(authority).read_bytes()
    return grpc.ssl_channel_credentials(
        roots,
        private_key=Path(key).read_bytes() if key else None,
        certificate_chain=Path(certificate).read_bytes() if certificate else None,
    )


@dataclass(frozen=True, slots=True, repr=False)
class Endpoint:
    """A server's address and the key to send with; has no repr so that no log shows the key."""

    target: str
    key: str
    credentials: grpc.ChannelCredentials | None
    options: tuple[tuple[str, Any], ...]

    @classmethod
    def of(
        cls,
        target: str | None,
        key: str | None,
        tls: bool | str | os.PathLike[str] | grpc.ChannelCredentials,
        options: Sequence[tuple[str, Any]],
    ) -> Endpoint:
        """Fills what is absent from SHOPALYTIC_TARGET and SHOPALYTIC_KEY."""
        key = key or os.environ.get("SHOPALYTIC_KEY", "")
        if not key:
            raise ValueError("A key is needed: give key=... or set SHOPALYTIC_KEY to a server key.")
        if not key.isascii() or not key.isprintable() or " " in key:
            raise ValueError("The key has a character that no key has, such as a space or a line break.")
        if tls is True:
            tls = grpc.ssl_channel_credentials()
        elif isinstance(tls, str | os.PathLike):
            tls = channel_credentials(tls)
        return cls(
            target or os.environ.get("SHOPALYTIC_TARGET") or DEFAULT_TARGET,
            key,
            tls or None,
            (*_CHANNEL_OPTIONS, *options),
        )

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        """What proves to the server who is calling."""
        return (("authorization", f"Bearer {self.key}"),)

    def open(self) -> grpc.Channel:
        """A new channel for the threaded client."""
        if self.credentials is None:
            return grpc.insecure_channel(self.target, self.options)
        return grpc.secure_channel(self.target, self.credentials, self.options)

    def open_async(self) -> grpc.aio.Channel:
        """A new channel for the asyncio client."""
        if self.credentials is None:
            return grpc.aio.insecure_channel(self.target, self.options)
        return grpc.aio.secure_channel(self.target, self.credentials, self.options)
