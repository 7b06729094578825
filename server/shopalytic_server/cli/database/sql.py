"""`shopalytic sql`: let people and tools read the documented views with SQL."""

from urllib.parse import quote, urlencode

import click
from psycopg.conninfo import conninfo_to_dict

from shopalytic_server import default_project
from shopalytic_server.cli.database.location import database_of, superuser_of
from shopalytic_server.cli.options import json_option, with_settings
from shopalytic_server.cli.output import print_json, print_table, say
from shopalytic_server.config import Settings
from shopalytic_server.storage.analytics import Granted, grant, listed, revoke
from shopalytic_server.storage.schema.migrate import migrate

_DATABASE = ("database_url", "direct_database_url", "data_dir")


@click.group("sql")
def sql_group() -> None:
    """Let people and tools read customers, orders, sessions and events with SQL.

    The schema `analytics` holds views with stable names: orders, order_lines,
    refunds, customers, devices, sessions, page_views, product_views, carts,
    shipments, searches, events. `docs/reference/sql.md` describes them.

    \b
    Example:  shopalytic sql grant metabase
    """


@sql_group.command("grant")
@click.argument("name")
@click.option("--personal-data", is_flag=True, help="Also allow emails, names and addresses.")
@click.option(
    "--project", default=default_project.NAME, show_default=True, help="The project that it may read."
)
@with_settings(*_DATABASE)
@json_option
def grant_role(settings: Settings, name: str, personal_data: bool, project: str, as_json: bool) -> None:
    """Make a read-only role of the database, and print how to connect as it.

    It reads the views of the schema `analytics` and nothing else. Its statements
    end after a minute, and it has five connections at most. Grant it again to
    change what it may read; its password stays.

    \b
    Example:  shopalytic sql grant metabase
    Example:  psql "$(shopalytic sql grant ana --personal-data)" -c 'SELECT count(*) FROM orders'
    """
    with database_of(settings) as url:
        migrate(url)
        granted = grant(url, name, project, personal_data=personal_data, creator_url=superuser_of(settings))
        address = _address(url, granted)
    if as_json:
        data = {"role": name, "project": project, "personal_data": personal_data, "url": address}
        print_json(data)
        return
    say(address)
    if granted.password is None:
        say("The role was there before: it keeps its password, which is not shown again.", err=True)
    if "host=" in address:
        say(
            "This works on this machine, from the service's own account. For other programs start the"
            " service with --sql-port 5433 and grant again.",
            err=True,
        )


@sql_group.command("list")
@with_settings(*_DATABASE)
@json_option
def list_roles(settings: Settings, as_json: bool) -> None:
    """List the roles that were granted.

    \b
    Example:  shopalytic sql list
    """
    with database_of(settings) as url:
        migrate(url)
        roles = listed(url)
    rows = [
        {
            "role": role.role,
            "project": role.project,
            "personal_data": role.personal_data,
            "created_at": role.created_at.isoformat(),
        }
        for role in roles
    ]
    if as_json:
        print_json({"roles": rows})
        return
    shown = [[row["role"], row["project"], "yes" if row["personal_data"] else "no"] for row in rows]
    print_table(["role", "project", "personal data"], shown)


@sql_group.command("revoke")
@click.argument("name")
@with_settings(*_DATABASE)
def revoke_role(settings: Settings, name: str) -> None:
    """End a role, with the sessions that it has.

    \b
    Example:  shopalytic sql revoke metabase
    """
    with database_of(settings) as url:
        migrate(url)
        revoke(url, name, creator_url=superuser_of(settings))
    say(f"The role {name} is gone.")


def _address(database_url: str, granted: Granted) -> str:
    """A connection string for the role: over TCP if the database listens so, else over its socket."""
    given = conninfo_to_dict(database_url)
    user = quote(granted.role) if granted.password is None else f"{quote(granted.role)}:{granted.password}"
    host, port = str(given.get("host") or "localhost"), str(given.get("port") or "5432")
    name = quote(str(given.get("dbname") or ""), safe="")
    if not host.startswith("/"):
        shown = f"[{host}]" if ":" in host else host
        return f"postgresql://{user}@{shown}:{port}/{name}"
    if granted.over_tcp:
        return f"postgresql://{user}@127.0.0.1:{port}/{name}"
    return f"postgresql://{user}@/{name}?" + urlencode({"host": host, "port": port}, quote_via=quote)
