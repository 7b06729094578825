"""`shopalytic key`: show, list, create, rotate and revoke keys."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Literal

import click

from shopalytic.v1 import admin_pb2, admin_pb2_grpc
from shopalytic_server import default_project
from shopalytic_server.cli.dates import Moment, moment
from shopalytic_server.cli.options import REMOTE, json_option, with_settings
from shopalytic_server.cli.output import print_json, print_table, say, time_text
from shopalytic_server.cli.remote import CALL_SECONDS, connect, kept_key
from shopalytic_server.config import Settings
from shopalytic_server.state import DataDirectory

CLASSES = ("browser", "server", "reports", "admin")
_MOMENTS: tuple[Literal["revoked_at", "expires_at", "last_used_at"], ...] = (
    "revoked_at",
    "expires_at",
    "last_used_at",
)


@click.group()
def key() -> None:
    """Show, list, create, rotate and revoke keys. Needs an admin key, but for `show`.

    \b
    browser  public, in web pages: sends what the project lets browsers send
    server   secret, in backends: sends every event
    reports  secret: reads customers and reports
    admin    secret: reads, and manages the project and its keys

    \b
    Example:  shopalytic key create server --label checkout
    """


@key.command("list")
@with_settings(*REMOTE)
@json_option
def list_keys(settings: Settings, as_json: bool) -> None:
    """List the project's keys, without their secrets.

    \b
    Example:  shopalytic key list
    """
    with connect(settings, "admin") as remote:
        stub = admin_pb2_grpc.AdminServiceStub(remote.channel)
        answer = stub.ListKeys(admin_pb2.ListKeysRequest(), metadata=remote.metadata, timeout=CALL_SECONDS)
    keys = [key_data(found) for found in answer.keys]
    if as_json:
        print_json({"keys": keys})
        return
    columns = ["key_id", "class", "label", "begins with", "created", "revoked", "expires", "last used"]
    print_table(columns, [list(row.values()) for row in keys])


@key.command()
@click.argument("key_class", type=click.Choice(CLASSES), metavar="|".join(CLASSES))
@click.option("--label", default="", metavar="TEXT", help="What the key is for.")
@click.option("--expires-at", type=Moment(), help="When the key expires (a date means midnight UTC).")
@with_settings(*REMOTE)
@json_option
def create(settings: Settings, key_class: str, label: str, expires_at: str | None, as_json: bool) -> None:
    """Create a key. Its secret is printed this once.

    \b
    Example:  shopalytic key create server --label checkout
    Example:  shopalytic key create reports --label audit --expires-at 2027-01-31
    """
    request = admin_pb2.CreateKeyRequest(key_class=f"KEY_CLASS_{key_class.upper()}", label=label)
    if expires_at is not None:
        request.expires_at.FromDatetime(moment(expires_at, "UTC"))
    with connect(settings, "admin") as remote:
        stub = admin_pb2_grpc.AdminServiceStub(remote.channel)
        answer = stub.CreateKey(request, metadata=remote.metadata, timeout=CALL_SECONDS)
    if as_json:
        print_json({**key_data(answer.key.key), "secret": answer.key.secret})
        return
    print_created([answer.key])


@key.command()
@click.argument("key_class", type=click.Choice(CLASSES), metavar="|".join(CLASSES))
@with_settings("data_dir")
@json_option
def show(settings: Settings, key_class: str, as_json: bool) -> None:
    """Print the secret of a key of the default project, for scripts.

    It is read from the data directory, where `shopalytic serve` keeps it.

    \b
    Example:  SHOPALYTIC_KEY=$(shopalytic key show server) python send_events.py
    """
    secret = kept_key(settings, key_class)
    if as_json:
        print_json({"key_class": key_class, "secret": secret})
    else:
        say(secret)


@key.command()
@click.argument("key_id")
@click.option(
    "--overlap-hours",
    type=click.FloatRange(0, 2160),
    default=24.0,
    metavar="HOURS",
    help="How many hours the old key stays valid.  [default: 24]",
)
@with_settings(*REMOTE)
@json_option
def rotate(settings: Settings, key_id: str, overlap_hours: float, as_json: bool) -> None:
    """Make a key that takes another's place. KEY_ID is from `shopalytic key list`.

    The new secret is printed this once and works at once; the old one goes on
    for some hours, in which whoever uses it takes the new one. When the data
    directory keeps the old one, it keeps the new one from now on.

    \b
    Example:  shopalytic key rotate 0198f0c2-6d5e-7d54-b1a5-0f1f3c1f9e01 --overlap-hours 48
    """
    with connect(settings, "admin") as remote:
        stub = admin_pb2_grpc.AdminServiceStub(remote.channel)
        request = admin_pb2.RotateKeyRequest(key_id=key_id)
        request.overlap.FromTimedelta(timedelta(hours=overlap_hours))
        answer = stub.RotateKey(request, metadata=remote.metadata, timeout=CALL_SECONDS)
    _keep_instead(settings, answer)
    if as_json:
        print_json(
            {**key_data(answer.key.key), "secret": answer.key.secret, "replaced": key_data(answer.replaced)}
        )
        return
    print_created([answer.key])
    say(f"The old key works until {time_text(answer.replaced.expires_at)}.")


def _keep_instead(settings: Settings, answer: admin_pb2.RotateKeyResponse) -> None:
    directory = DataDirectory(settings.data_dir)
    kept = directory.read_keys()
    key_class = key_data(answer.replaced)["key_class"]
    if kept.get(key_class, "").startswith(answer.replaced.hint):
        directory.write_keys(default_project.NAME, {**kept, key_class: answer.key.secret})


@key.command()
@click.argument("key_id")
@with_settings(*REMOTE)
@json_option
def revoke(settings: Settings, key_id: str, as_json: bool) -> None:
    """End a key for good. KEY_ID is from `shopalytic key list`.

    \b
    Example:  shopalytic key revoke 0198f0c2-6d5e-7d54-b1a5-0f1f3c1f9e01
    """
    with connect(settings, "admin") as remote:
        stub = admin_pb2_grpc.AdminServiceStub(remote.channel)
        request = admin_pb2.RevokeKeyRequest(key_id=key_id)
        answer = stub.RevokeKey(request, metadata=remote.metadata, timeout=CALL_SECONDS)
    data = key_data(answer.key)
    if as_json:
        print_json(data)
    else:
        say(f"The {data['key_class']} key {data['key_id']} is revoked; it stops working within five seconds.")


def key_data(found: admin_pb2.Key) -> dict[str, Any]:
    """A key as plain data, without its secret."""
    return {
        "key_id": found.key_id,
        "key_class": admin_pb2.KeyClass.Name(found.key_class).removeprefix("KEY_CLASS_").lower(),
        "label": found.label,
        "hint": found.hint,
        "created_at": time_text(found.created_at),
        **{name: time_text(getattr(found, name)) if found.HasField(name) else None for name in _MOMENTS},
    }


def print_created(keys: Iterable[admin_pb2.CreatedKey]) -> None:
    """New keys with their secrets."""
    rows = [(key_data(created.key)["key_class"], created.secret) for created in keys]
    print_table(["class", "secret (shown this once)"], rows)
