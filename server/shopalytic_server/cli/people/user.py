"""`shopalytic user`: who signs in to the dashboard, and what each may do."""

import sys
from typing import Any

import click

from shopalytic.v1 import users_pb2, users_pb2_grpc
from shopalytic_server.cli.options import REMOTE, json_option, with_settings
from shopalytic_server.cli.output import message_data, print_json, print_table, say, time_text
from shopalytic_server.cli.remote import CALL_SECONDS, connect
from shopalytic_server.config import Settings
from shopalytic_server.state import DataDirectory

ROLES = ("owner", "analyst", "support", "viewer")

_password_option = click.option(
    "--password-stdin", is_flag=True, help="Read the password from standard input, its first line."
)


@click.group()
def user() -> None:
    """Add, list, change and remove people who sign in. Needs an admin key.

    \b
    owner    all that an admin key may do
    analyst  every report and number, and no personal data
    support  customers: looks them up, reads profiles and timelines
    viewer   reports only, and no personal data

    \b
    Example:  shopalytic user add jane@shop.example --role analyst
    """


@user.command()
@click.argument("email")
@click.option("--role", type=click.Choice(ROLES), required=True, help="What the person may do.")
@_password_option
@with_settings(*REMOTE)
@json_option
def add(settings: Settings, email: str, role: str, password_stdin: bool, as_json: bool) -> None:
    """Add a person. They choose a password by a link that works once.

    The service sends the link by e-mail, where it knows a mail server and its
    own address (--smtp-url, --public-url); else it is printed.

    \b
    Example:  shopalytic user add jane@shop.example --role analyst
    Example:  shopalytic user add joe@shop.example --role support --password-stdin < password.txt
    """
    request = users_pb2.AddUserRequest(email=email.strip(), role=_role(role), password=_read(password_stdin))
    answer = _ask(settings, "AddUser", request)
    link = _whole(settings, answer.link) if answer.HasField("link") else None
    if as_json:
        print_json({**user_data(answer.user), "link": link})
        return
    say(f"{answer.user.email} may sign in as {role}.")
    _tell(link, answer.user.email)


@user.command("list")
@click.option("--removed", is_flag=True, help="Also those who were removed.")
@with_settings(*REMOTE)
@json_option
def list_users(settings: Settings, removed: bool, as_json: bool) -> None:
    """List the people.

    \b
    Example:  shopalytic user list
    """
    answer = _ask(settings, "ListUsers", users_pb2.ListUsersRequest(include_removed=removed))
    users = [user_data(each) for each in answer.users]
    if as_json:
        print_json({"users": users})
    elif not users:
        say("Nobody yet. `shopalytic user add EMAIL --role owner` adds the first.")
    else:
        print_table(
            ["email", "role", "password", "added", "last seen", "removed"],
            [_row(each) for each in users],
        )


@user.command("role")
@click.argument("email")
@click.argument("role", type=click.Choice(ROLES), metavar="|".join(ROLES))
@with_settings(*REMOTE)
@json_option
def change_role(settings: Settings, email: str, role: str, as_json: bool) -> None:
    """Give a person another role. It counts within five seconds, also where they have signed in.

    \b
    Example:  shopalytic user role jane@shop.example viewer
    """
    answer = _ask(settings, "UpdateUser", users_pb2.UpdateUserRequest(email=email, role=_role(role)))
    if as_json:
        print_json(user_data(answer.user))
    else:
        say(f"{answer.user.email} is {role} from now on.")


@user.command()
@click.argument("email")
@with_settings(*REMOTE)
@json_option
def remove(settings: Settings, email: str, as_json: bool) -> None:
    """Remove a person. Their sessions end within five seconds.

    \b
    Example:  shopalytic user remove jane@shop.example
    """
    answer = _ask(settings, "RemoveUser", users_pb2.RemoveUserRequest(email=email))
    if as_json:
        print_json(user_data(answer.user))
    else:
        say(f"{answer.user.email} is removed, and their sessions end.")


@user.command()
@click.argument("email")
@_password_option
@with_settings(*REMOTE)
@json_option
def reset(settings: Settings, email: str, password_stdin: bool, as_json: bool) -> None:
    """End a person's password and sessions, and let them choose another by a link.

    \b
    Example:  shopalytic user reset jane@shop.example
    """
    request = users_pb2.ResetPasswordRequest(email=email, password=_read(password_stdin))
    answer = _ask(settings, "ResetPassword", request)
    link = _whole(settings, answer.link) if answer.HasField("link") else None
    if as_json:
        print_json({"email": email, "link": link})
        return
    say("The password is another, and all sessions end." if link is None else "The password has ended.")
    _tell(link, email)


@user.command()
@click.argument("email", default="")
@with_settings(*REMOTE)
@json_option
def sessions(settings: Settings, email: str, as_json: bool) -> None:
    """List who has signed in, newest first; of one person, or of all.

    \b
    Example:  shopalytic user sessions
    """
    answer = _ask(settings, "ListSessions", users_pb2.ListSessionsRequest(email=email))
    if as_json:
        print_json(message_data(answer))
        return
    rows = [
        [
            each.session_id,
            each.email,
            time_text(each.created_at),
            time_text(each.last_seen_at),
            time_text(each.ends_at),
            each.user_agent,
        ]
        for each in answer.sessions
    ]
    print_table(["session", "email", "signed in", "last seen", "ends", "browser"], rows)


@user.command("sign-out")
@click.argument("who", metavar="EMAIL|SESSION")
@with_settings(*REMOTE)
def sign_out(settings: Settings, who: str) -> None:
    """End all sessions of a person, or one session. SESSION is from `shopalytic user sessions`.

    \b
    Example:  shopalytic user sign-out jane@shop.example
    """
    request = users_pb2.EndSessionsRequest(**{"email" if "@" in who else "session_id": who})
    answer = _ask(settings, "EndSessions", request)
    say(f"Sessions that end: {answer.ended}.")


def user_data(found: users_pb2.User) -> dict[str, Any]:
    """A person as plain data."""
    return {
        "email": found.email,
        "role": users_pb2.Role.Name(found.role).removeprefix("ROLE_").lower(),
        "has_password": found.has_password,
        "created_at": time_text(found.created_at),
        "last_seen_at": time_text(found.last_seen_at) if found.HasField("last_seen_at") else None,
        "ended_at": time_text(found.ended_at) if found.HasField("ended_at") else None,
    }


def _row(data: dict[str, Any]) -> list[Any]:
    password = "yes" if data["has_password"] else "to choose"
    return [data["email"], data["role"], password, data["created_at"], data["last_seen_at"], data["ended_at"]]


def _ask(settings: Settings, method: str, request: Any) -> Any:
    with connect(settings, "admin") as remote:
        stub = users_pb2_grpc.UserServiceStub(remote.channel)
        return getattr(stub, method)(request, metadata=remote.metadata, timeout=CALL_SECONDS)


def _role(name: str) -> Any:
    return users_pb2.Role.Value(f"ROLE_{name.upper()}")


def _read(from_stdin: bool) -> str | None:
    """The password on standard input, without the end of its line; None: nobody gives one."""
    if not from_stdin:
        return None
    return sys.stdin.readline().removesuffix("\n").removesuffix("\r")


def _whole(settings: Settings, link: users_pb2.PasswordLink) -> dict[str, Any]:
    """A link as plain data, with the address of this machine's service where it has none of its own."""
    address = link.address
    if address.startswith("/"):
        running = DataDirectory(settings.data_dir).read_run() or {}
        address = f"{running.get('http_address') or ''}{address}"
    return {
        "address": address or None,
        "ends_at": time_text(link.ends_at),
        "mailed": link.mailed,
        "mail_failure": link.mail_failure or None,
    }


def _tell(link: dict[str, Any] | None, email: str) -> None:
    if link is None:
        return
    if link["mailed"]:
        say(f"A link to choose a password is on its way to {email}. It works until {link['ends_at']}.")
        return
    if link["mail_failure"]:
        say(f"The link was not sent by e-mail: {link['mail_failure']}", err=True)
    say(f"Give them this link to choose a password. It works once, until {link['ends_at']}:")
    say(link["address"])
