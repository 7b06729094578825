"""How errors are told at the command line: one sentence on stderr and exit code 1."""

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    import grpc


class Failure(click.ClickException):
    """The command could not do its work; the message says why and what to do."""

    exit_code = 1


def as_failure(error: BaseException) -> Failure | None:
    """The failure that a known error means; None for a mistake of our own."""
    import grpc
    import psycopg

    from shopalytic_server.domain.errors import ShopalyticError

    if isinstance(error, grpc.RpcError):
        return Failure(call_sentence(error))
    if isinstance(error, ShopalyticError):
        return Failure(str(error))
    if isinstance(error, psycopg.OperationalError):
        return Failure(f"PostgreSQL cannot be used: {first_line(error)}. `shopalytic doctor` says more.")
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
    lines = [f"{details or code.name.replace('_', ' ').lower()}."]
    lines += [f"  {field}: {description}" for field, description in _field_violations(error)]
    return "\n".join(lines)


def _field_violations(error: "grpc.RpcError") -> list[tuple[str, str]]:
    from google.rpc.error_details_pb2 import BadRequest
    from grpc_status import rpc_status

    status = rpc_status.from_call(error)
    found: list[tuple[str, str]] = []
    for detail in status.details if status else ():
        bad = BadRequest()
        if detail.Unpack(bad):
            found += [
                (violation.field or "request", violation.description) for violation in bad.field_violations
            ]
    return found
