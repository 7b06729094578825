"""How errors are told at the command line: one sentence on stderr and exit code 1."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar, cast

import click
from google.protobuf.message import Message

from shopalytic_server.config import SettingsError
from shopalytic_server.domain.formats.terminal_text import several_lines

if TYPE_CHECKING:
    import grpc

Detail = TypeVar("Detail", bound=Message)


# Partitions are made every month, and a rebuild makes a schema.
OWNERSHIP = "The user of --database-url must own its database: ALTER DATABASE … OWNER TO …."


class Failure(click.ClickException):
    """The command could not do its work; the message says why and what to do."""

    exit_code = 1


@contextmanager
def readable() -> Iterator[None]:
    """What is raised for a known reason leaves as a sentence that a terminal may have."""
    try:
        yield
    except (click.exceptions.Exit, click.Abort):
        raise
    except click.ClickException as failure:
        vars(failure)["message"] = several_lines(failure.message)
        raise
    except Exception as error:
        known = as_failure(error)
        if known is None:
            raise
        vars(known)["message"] = several_lines(known.message)
        raise known from error


def as_failure(error: BaseException) -> click.ClickException | None:
    """The failure that a known error means; None for a mistake of our own."""
    import grpc
    import psycopg

    from shopalytic_server.domain.errors import ShopalyticError
    from shopalytic_server.embedded import EmbeddedPostgresError

    if isinstance(error, grpc.RpcError):
        return Failure(call_sentence(error))
    if isinstance(error, SettingsError):
        return click.UsageError(str(error))
    if isinstance(error, ShopalyticError | EmbeddedPostgresError):
        return Failure(first_line(error) + ".")
    if isinstance(error, psycopg.OperationalError):
        return Failure(f"PostgreSQL cannot be used: {first_line(error)}. `shopalytic doctor` says more.")
    if isinstance(error, psycopg.errors.InsufficientPrivilege):
        return Failure(f"PostgreSQL refuses: {first_line(error)}. {OWNERSHIP}")
    if isinstance(error, psycopg.Error):
        return Failure(f"PostgreSQL refuses: {first_line(error)}. `shopalytic doctor` says more.")
    if isinstance(error, OSError):
        return Failure(os_sentence(error))
    return None


def os_sentence(error: OSError) -> str:
    """An operating system's error with the file it is about."""
    reason = (error.strerror or str(error)).rstrip(".")
    return f"{error.filename}: {reason}." if error.filename else f"{reason}."


def first_line(error: BaseException) -> str:
    """What a driver says, without the hints that follow it."""
    text = str(error).strip().partition("\n")[0]
    return text.rstrip(".") or type(error).__name__


def call_sentence(error: "grpc.RpcError") -> str:
    """A failed call as text: what happened and, for a refused request, each field."""
    import grpc

    code, details = error.code(), (error.details() or "").rstrip(".")
    if code is grpc.StatusCode.UNAVAILABLE and "failed to connect" in details.lower():
        return "The service cannot be reached. Start it with `shopalytic serve`, or name it with --target."
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return "The service did not answer in time. Try again, or ask for a shorter range."
    told = [f"{details or code.name.replace('_', ' ').lower()}."]
    told += [
        f"  {field}: {text}" for field, text in _field_violations(error) if text.rstrip(".") not in details
    ]
    return "\n".join(told)


def details_of(error: "grpc.RpcError", kind: type[Detail]) -> Iterator[Detail]:
    """The details of one kind (`google.rpc.BadRequest`, `RetryInfo`) that came with a failed call."""
    import grpc
    from grpc_status import rpc_status

    # What a blocking call raises is the call itself.
    status = rpc_status.from_call(cast(grpc.Call, error))
    for packed in status.details if status else ():
        detail = kind()
        if packed.Unpack(detail):
            yield detail


def _field_violations(error: "grpc.RpcError") -> list[tuple[str, str]]:
    from google.rpc.error_details_pb2 import BadRequest

    return [
        (violation.field or "request", violation.description)
        for bad in details_of(error, BadRequest)
        for violation in bad.field_violations
    ]
