"""Every setting of the product, in one table: the dataclass Settings."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from platformdirs import user_data_path

LOG_LEVELS = ("debug", "info", "warning", "error")
LOG_FORMATS = ("plain", "json")


class SettingsError(ValueError):
    """A setting has a value that cannot be used."""


_SECRET = ("database_url", "direct_database_url", "reports_database_url", "key", "smtp_url")


@dataclass(frozen=True, slots=True)
class SettingInfo:
    """One row of the table of settings."""

    name: str
    flag: str
    variable: str
    default: Any
    shown_default: str
    help: str
    parse: Callable[[str], Any]


def _text(value: str) -> str:
    return value


def parse_path(value: str) -> Path:
    """An absolute path."""
    return Path(value).expanduser().absolute()


def _number(low: int, high: int) -> Callable[[str], int]:
    def parse(value: str) -> int:
        if not re.fullmatch(r"[0-9]{1,10}", value) or not low <= int(value) <= high:
            raise ValueError(f"give a whole number from {low} to {high}")
        return int(value)

    return parse


def _seconds(value: str) -> float:
    if not re.fullmatch(r"[0-9]{1,6}([.][0-9]+)?", value):
        raise ValueError("give a number of seconds, such as 30")
    return float(value)


def _choice(*words: str) -> Callable[[str], str]:
    def parse(value: str) -> str:
        if value.lower() not in words:
            raise ValueError(f"give one of {', '.join(words)}")
        return value.lower()

    return parse


def _database(value: str) -> str:
    import psycopg

    try:
        psycopg.conninfo.conninfo_to_dict(value)
    except psycopg.ProgrammingError:
        raise ValueError("give an address such as postgresql://user:password@host:5432/database") from None
    return value


def _currency(value: str) -> str:
    if not re.fullmatch(r"[A-Z]{3}", value):
        raise ValueError("give an ISO 4217 code of three capital letters, such as EUR")
    return value


def _time_zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        raise ValueError("give an IANA time zone, such as Europe/Berlin") from None
    return value


def _http_path(value: str) -> str:
    if not re.fullmatch(r"(/[A-Za-z0-9._~-]+)+", value):
        raise ValueError("give a path that begins with a slash, such as /collect")
    return value


def _script_path(value: str) -> str:
    if not value.endswith(".js"):
        raise ValueError("give a path that ends with .js, such as /shopalytic.js")
    return _http_path(value)


def _http_address(value: str) -> str:
    if not re.fullmatch(r"https?://[^/\s?#]+(/[^\s?#]*)?", value):
        raise ValueError("give an address such as http://127.0.0.1:4318")
    return value


def _smtp(value: str) -> str:
    from shopalytic_server.domain.notifications.mail_server import MailServer

    MailServer.of(value)
    return value


def _mail_address(value: str) -> str:
    if not re.fullmatch(r"[^\s@<>,;:\"]+@[^\s@<>,;:\"]+", value):
        raise ValueError("give an address such as analytics@shop.example")
    return value


def _list(value: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in value.split(",") if part.strip())


def _setting(default: Any, parse: Callable[[str], Any], text: str, shown: str | None = None) -> Any:
    shown_default = shown if shown is not None else str(default)
    return field(default=default, metadata={"parse": parse, "help": text, "shown": shown_default})


_port = _number(0, 65535)
_rate = _number(0, 1_000_000_000)


@dataclass(frozen=True, slots=True)
class Settings:
    """What the commands can be told. Flag and variable follow from a field's name."""

    data_dir: Path = _setting(  # noqa: RUF009 - makes a dataclass field, not a shared value
        user_data_path("shopalytic", appauthor=False),
        parse_path,
        "Where the embedded PostgreSQL, the keys and the run files live.",
        "the platform's user data directory",
    )
    database_url: str = _setting(
        "",
        _database,
        "PostgreSQL 15 or later instead of the embedded one; libpq's PG* variables fill in the rest.",
        "embedded PostgreSQL",
    )
    reports_database_url: str = _setting(
        "", _database, "A replica that answers the reports.", "the same database"
    )
    direct_database_url: str = _setting(
        "",
        _database,
        "PostgreSQL itself, where --database-url is a pooler's (PgBouncer): for migrations and live events.",
        "the same database",
    )
    grpc_host: str = _setting("127.0.0.1", _text, "Address that gRPC listens on.")
    grpc_port: int = _setting(50051, _port, "Port that gRPC listens on; 0 takes any free one.")
    http_host: str = _setting("127.0.0.1", _text, "Address that HTTP listens on.")
    http_port: int = _setting(8080, _port, "Port that HTTP listens on; 0 takes any free one.")
    metrics_host: str = _setting("127.0.0.1", _text, "Address that metrics are read at without a key.")
    metrics_port: int = _setting(
        0,
        _number(0, 65535),
        "Port for the metrics of the first server process; further workers take the ports after it, "
        "then the gateway.",
        "none",
    )
    ready_file: Path | None = _setting(  # noqa: RUF009 - as above
        None, parse_path, "File to write, as JSON, once the service is ready; it holds the keys.", "none"
    )
    currency: str = _setting(
        "",
        _currency,
        "Currency of the default project; `project update --currency` changes it.",
        "that of the first money",
    )
    time_zone: str = _setting("UTC", _time_zone, "Time zone that the default project is created with.")
    sql_port: int = _setting(
        0,
        _port,
        "Port of the loopback address that the embedded PostgreSQL listens on, for the roles of"
        " `shopalytic sql grant`.",
        "none",
    )
    max_pending_events: int = _setting(
        100_000,
        _number(1_000, 10_000_000),
        "Events that may wait for their commit; past it senders are told to come back.",
    )
    workers: int = _setting(
        1,
        _number(1, 16),
        "Processes that serve gRPC on one port; more than 1 are processes of their own beside the main one.",
    )
    native_core: str = _setting(
        "on",
        _choice("on", "off"),
        "Whether the native core reads events where it is installed; what is stored is the same without it.",
    )
    rollups: str = _setting(
        "",
        _choice("on", "off"),
        "Has no effect any more; `--facts-disk-mb 0` keeps no files of past days.",
        "none",
    )
    facts_dir: Path | None = _setting(  # noqa: RUF009 - as above
        None,
        parse_path,
        "Where files of past days are kept for reports; they are made again when they are lost.",
        "`facts` in the data directory",
    )
    facts_disk_mb: int = _setting(
        20_480, _number(0, 100_000_000), "Megabytes that files of past days may take; 0: none are made."
    )
    reports_memory_mb: int = _setting(
        640,
        _number(64, 1_000_000),
        "Megabytes that reports may take at once, in a process of their own.",
    )
    reports_threads: int = _setting(2, _number(1, 256), "Threads that add up reports.")
    drain_timeout: float = _setting(
        30.0, _seconds, "Seconds that requests in flight get to finish at shutdown."
    )
    log_level: str = _setting("info", _choice(*LOG_LEVELS), f"How much is logged: {', '.join(LOG_LEVELS)}.")
    log_format: str = _setting("plain", _choice(*LOG_FORMATS), "Log lines as plain text or as json.")
    otlp_endpoint: str = _setting(
        "", _http_address, "OpenTelemetry collector that traces go to, by OTLP over HTTP.", "no traces"
    )
    trusted_proxies: int = _setting(
        0,
        _number(0, 100),
        "How many proxies in front of HTTP are believed about X-Forwarded-For, -Proto, -Host and Forwarded.",
    )
    tls_cert: Path | None = _setting(  # noqa: RUF009 - as above
        None, parse_path, "Certificate chain (PEM) for gRPC and HTTP; read again when it changes.", "no TLS"
    )
    tls_key: Path | None = _setting(  # noqa: RUF009 - as above
        None, parse_path, "Private key (PEM) of the certificate.", "no TLS"
    )
    tls_client_ca: Path | None = _setting(  # noqa: RUF009 - as above
        None,
        parse_path,
        "Authority (PEM) that the certificates of gRPC's callers must be of.",
        "callers need none",
    )
    allow_plaintext: str = _setting(
        "off", _choice("off", "on"), "Whether to listen beyond this machine without TLS: off or on."
    )
    tls_ca: str = _setting(
        "",
        _text,
        "Authority (PEM file, or `system`) that --collector or --target is checked by over TLS.",
        "no TLS",
    )
    tls_client_cert: Path | None = _setting(  # noqa: RUF009 - as above
        None, parse_path, "Certificate (PEM) to show to --collector or --target.", "none"
    )
    tls_client_key: Path | None = _setting(  # noqa: RUF009 - as above
        None, parse_path, "Private key (PEM) of that certificate.", "none"
    )
    browser_key_rate: int = _setting(
        10_000, _rate, "Events a second that one browser key may send; 0: any number."
    )
    key_rate: int = _setting(
        0,
        _rate,
        "Events a second that one key of another class may send, or calls it may make; 0: any number.",
    )
    address_rate: int = _setting(
        500, _rate, "Events a second that one network address may send over HTTP; 0: any number."
    )
    grpc_address_rate: int = _setting(
        0,
        _rate,
        "The same over gRPC, where a gateway on another machine is one address; 0: any number.",
    )
    quarantine_browser_mb: int = _setting(
        64,
        _number(0, 1_000_000),
        "Megabytes of a project's quarantine that events of browser keys may fill; 0: any number.",
    )
    quarantine_server_mb: int = _setting(
        1_024,
        _number(0, 1_000_000),
        "The same for events of server keys.",
    )
    quarantine_browser_days: int = _setting(
        90,
        _number(0, 36_500),
        "Days after which quarantine removes events of browser keys; 0: it never does.",
    )
    quarantine_server_days: int = _setting(0, _number(0, 36_500), "The same for events of server keys.")
    client_addresses: str = _setting(
        "truncated",
        _choice("none", "truncated", "full"),
        "How much of a visitor's network address is stored: none, truncated (to /24, IPv6 to /48) or full.",
    )
    geoip_file: Path | None = _setting(  # noqa: RUF009 - as above
        None,
        parse_path,
        "File of countries or cities in MaxMind's format (.mmdb): events that name no country get that of "
        "their network address, before it is cut; read again when it is replaced.",
        "none",
    )
    public_url: str = _setting(
        "",
        _http_address,
        "Address at which people reach the dashboard (https://analytics.shop.example): letters link to it.",
        "no links",
    )
    smtp_url: str = _setting(
        "",
        _smtp,
        "Mail server that takes digests and alerts: smtp://user:password@host:587, or smtps:// for TLS from "
        "the start.",
        "no letters are sent",
    )
    mail_from: str = _setting("", _mail_address, "Address that letters come from.", "none")
    webhooks_to_private_addresses: str = _setting(
        "off",
        _choice("off", "on"),
        "Whether webhooks may go to this machine and to private networks: off or on.",
    )
    script_path: str = _setting("/shopalytic.js", _script_path, "Path of the browser tag's script.")
    collect_path: str = _setting("/collect", _http_path, "Path that the browser tag sends to.")
    cookie_name: str = _setting("shopalytic_id", _text, "Name of the tracking cookie.")
    cors_origins: tuple[str, ...] = _setting(
        (),
        _list,
        "Origins whose pages may call the RPC routes and read the answers, separated by commas.",
        "none",
    )
    collector: str = _setting(
        "127.0.0.1:50051", _text, "gRPC address of the server, for a gateway that runs alone."
    )
    target: str = _setting(
        "", _text, "gRPC address that the client commands call.", "the running service, else 127.0.0.1:50051"
    )
    key: str = _setting(
        "", _text, "Key that the client commands use.", "the fitting key in the data directory"
    )

    @property
    def facts_folder(self) -> Path:
        """Where files of past days are kept."""
        return self.facts_dir or self.data_dir / "facts"


def _info(name: str, default: Any, metadata: Mapping[str, Any]) -> SettingInfo:
    return SettingInfo(
        name=name,
        flag="--" + name.replace("_", "-"),
        variable="SHOPALYTIC_" + name.upper(),
        default=default,
        shown_default=metadata["shown"],
        help=metadata["help"],
        parse=metadata["parse"],
    )


TABLE: dict[str, SettingInfo] = {f.name: _info(f.name, f.default, f.metadata) for f in fields(Settings)}


def load(given: Mapping[str, str | None], environ: Mapping[str, str]) -> Settings:
    """Settings from flags, else the environment (an empty variable is unset), else the defaults."""
    values: dict[str, Any] = {}
    for name, info in TABLE.items():
        origin, text = info.flag, given.get(name)
        if text is None:
            origin, text = info.variable, environ.get(info.variable) or None
        if text is not None:
            values[name] = _parsed(info, origin, text)
    return Settings(**values)


def _parsed(info: SettingInfo, origin: str, text: str) -> Any:
    try:
        return info.parse(text)
    except ValueError as error:
        # What may hold a password is not repeated.
        shown = "" if info.name in _SECRET else f" is {text!r}"
        raise SettingsError(f"{origin}{shown}: {error}.") from None


def settings_table_markdown() -> str:
    """The table as it stands in `docs/reference/settings.md`."""
    head = "| flag | environment variable | default | meaning |\n| --- | --- | --- | --- |\n"
    return head + "".join(
        f"| `{info.flag}` | `{info.variable}` | {info.shown_default} | {info.help} |\n"
        for info in TABLE.values()
    )
