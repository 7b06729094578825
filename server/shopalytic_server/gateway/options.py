"""What a gateway can be told when it is made."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from shopalytic_server.domain.privacy.addresses import AddressLevel
from shopalytic_server.domain.privacy.network_places import Locate

_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)+")
_COOKIE_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_ORIGIN = re.compile(r"https?://[a-z0-9.\[\]:-]+")
_RESERVED = ("/healthz", "/readyz", "/metrics", "/session.json", "/sign-in", "/import")


@dataclass(frozen=True, slots=True)
class LocalKeys:
    """Keys of the default project, for the dashboard on the machine that made them."""

    reports: str = field(repr=False)
    browser: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class GatewayOptions:
    """The settings of one gateway; times are in seconds, sizes in bytes."""

    host: str = "127.0.0.1"
    port: int = 8080
    collect_path: str = "/collect"
    """Where the tag sends to; block lists match on names. The no-script picture is this with `.gif`."""
    script_path: str = "/shopalytic.js"
    """Where the tag is loaded from; must end with `.js`."""
    cookie_name: str = "shopalytic_id"
    trusted_proxies: int = 0
    """How many proxies stand in front and are believed about X-Forwarded-For, -Proto, -Host and Forwarded."""
    tls: tuple[Path, Path] | None = None
    """PEM files of the certificate and its key; None: plain HTTP."""
    client_addresses: AddressLevel = AddressLevel.TRUNCATED
    """How much of a visitor's network address goes into an event."""
    locate: Locate | None = None
    """Where a visitor's network address is; None: nobody knows."""
    address_rate: int = 0
    """Events a second that one network address may send; 0: any number."""
    cors_origins: tuple[str, ...] = ()
    """Web origins whose pages may call the RPC routes and read the answers. Sending events needs no entry."""
    max_body_bytes: int = 512_000
    """The largest collect body, before and after decompression."""
    max_rpc_bytes: int = 4 * 1024 * 1024
    """The largest RPC request, before and after decompression."""
    header_seconds: float = 10.0
    """How long a client may take to send a request's headers."""
    body_seconds: float = 20.0
    """How long a client may pause while it sends a request's body."""
    track_seconds: float = 15.0
    """How long the collector may take to store a collect request."""
    rpc_seconds: float = 60.0
    """The longest an RPC may take; a client's own timeout can only shorten it."""
    max_streams: int = 90
    """TailEvents at once, and as many ExportCustomer: fewer than the collector takes on one connection."""
    max_connections: int = 10_000
    """Connections at once; for one more the longest idle is closed, or it is refused when none is idle."""
    keep_alive_seconds: int = 75
    """How long an idle connection is kept; longer than common proxies keep theirs, so they close first."""
    linger_seconds: float = 0.03
    """How long an event may wait for others while a call with the same key is under way.

    Longer than a transaction mostly takes: the next call then begins when the
    last one returned, which makes half as many transactions as two calls that
    overlap."""
    max_waiting_events: int = 20_000
    """Events that may be unanswered at once; past it senders are told to come back."""
    max_held_bytes: int = 128 * 1024 * 1024
    """Bytes of bodies that may be in memory at once, as sent and again as decompressed; past it as above."""

    traced: bool = False
    """Whether each request has a span of OpenTelemetry's."""
    local_keys: LocalKeys | None = None
    """What the dashboard's page is given when it is opened on this machine; None: everybody signs in."""

    def __post_init__(self) -> None:
        for name in ("collect_path", "script_path"):
            if not _PATH.fullmatch(getattr(self, name)):
                raise ValueError(f"{name} is {getattr(self, name)!r}: give a path such as /collect")
        if not self.script_path.endswith(".js"):
            raise ValueError(f"script_path is {self.script_path!r}: it must end with .js")
        if self.collect_path in (*_RESERVED, self.script_path):
            raise ValueError(f"collect_path is {self.collect_path!r}, which is already used; choose another")
        if not _COOKIE_NAME.fullmatch(self.cookie_name):
            raise ValueError(f"cookie_name is {self.cookie_name!r}: use letters, digits, - and _ only")
        for origin in self.cors_origins:
            if not _ORIGIN.fullmatch(origin):
                raise ValueError(f"cors_origins has {origin!r}: write https://shop.example, without a path")
