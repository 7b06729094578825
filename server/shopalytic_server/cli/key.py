"""`shopalytic key`: show, list, create and revoke keys."""

from collections.abc import Iterable
from typing import Any

import click

from shopalytic.v1 import admin_pb2, admin_pb2_grpc
from shopalytic_server.cli.options import json_option, with_settings
from shopalytic_server.cli.output import print_json, print_table, time_text
from shopalytic_server.cli.remote import CALL_SECONDS, connect, kept_key
from shopalytic_server.config import Settings

CLASSES = ("browser", "server", "reports", "admin")


@click.group()
def key() -> None:
    """Show, list, create and revoke keys. Needs an admin key, but for `show`.

    \b
    browser  public, in web pages: sends what the project lets browsers send
    server   secret, in backends: sends every event
    reports  secret: reads customers and reports
    admin    secret: reads, and manages the project and its keys

    \b
    Example:  shopalytic key create server --label checkout
    """


@key.command("list")
@with_settings("target", "key", "data_dir")
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
    columns = ["key_id", "class", "label", "begins with", "created", "revoked"]
    print_table(columns, [list(row.values()) for row in keys])


@key.command()
@click.argument("key_class", type=click.Choice(CLASSES), metavar="|".join(CLASSES))
@click.option("--label", default="", metavar="TEXT", help="What the key is for.")
@with_settings("target", "key", "data_dir")
@json_option
def create(settings: Settings, key_class: str, label: str, as_json: bool) -> None:
    """Create a key. Its secret is printed this once.

    \b
    Example:  shopalytic key create server --label checkout
    """
    request = admin_pb2.CreateKeyRequest(key_class=f"KEY_CLASS_{key_class.upper()}", label=label)
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
        click.echo(secret)


@key.command()
@click.argument("key_id")
@with_settings("target", "key", "data_dir")
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
        click.echo(
            f"The {data['key_class']} key {data['key_id']} is revoked; it stops working within five seconds."
        )


def key_data(found: admin_pb2.Key) -> dict[str, Any]:
    """A key as plain data, without its secret."""
    return {
        "key_id": found.key_id,
        "key_class": admin_pb2.KeyClass.Name(found.key_class).removeprefix("KEY_CLASS_").lower(),
        "label": found.label,
        "hint": found.hint,
        "created_at": time_text(found.created_at),
        "revoked_at": time_text(found.revoked_at) if found.HasField("revoked_at") else None,
    }


def print_created(keys: Iterable[admin_pb2.CreatedKey]) -> None:
    """New keys with their secrets."""
    rows = [(key_data(created.key)["key_class"], created.secret) for created in keys]
    print_table(["class", "secret (shown this once)"], rows)
