"""Which error is answered with which status: one table, and the details that go with each."""

import hashlib
import logging
import traceback
from typing import Any, NamedTuple

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.protobuf.message import DecodeError, Message
from google.rpc import error_details_pb2, status_pb2

from shopalytic_server.domain.errors import (
    AlreadyExists,
    InvalidRequest,
    NotFound,
    Overloaded,
    PermissionDenied,
    RateLimited,
    RetryLater,
    StoreFault,
    StoreUnavailable,
    TooLarge,
    TooSlow,
    Unauthenticated,
    Unavailable,
    default_message,
)

ERROR_DOMAIN = "shopalytic"
PUSHBACK = "grpc-retry-pushback-ms"

# A status travels in HTTP/2 trailers, which many peers limit to 8 KB in all,
# with base64 around the details.
_MAX_MESSAGE_CHARACTERS = 400
_MAX_DETAILS_BYTES = 3_000

_log = logging.getLogger(__name__)


class Row(NamedTuple):
    """How one kind of error is answered."""

    error: type[Exception]
    code: grpc.StatusCode
    retryable: bool


# The first row that fits counts. CANCELLED, UNIMPLEMENTED and most of
# DEADLINE_EXCEEDED (which is safe to repeat) are made by gRPC itself. What each
# code is over HTTP, the gateway decides.
TABLE: tuple[Row, ...] = (
    Row(InvalidRequest, grpc.StatusCode.INVALID_ARGUMENT, retryable=False),
    Row(DecodeError, grpc.StatusCode.INVALID_ARGUMENT, retryable=False),
    Row(Unauthenticated, grpc.StatusCode.UNAUTHENTICATED, retryable=False),
    Row(PermissionDenied, grpc.StatusCode.PERMISSION_DENIED, retryable=False),
    Row(NotFound, grpc.StatusCode.NOT_FOUND, retryable=False),
    Row(AlreadyExists, grpc.StatusCode.ALREADY_EXISTS, retryable=False),
    # Without RetryInfo, unlike the next row: sending the same again is in vain.
    Row(TooLarge, grpc.StatusCode.RESOURCE_EXHAUSTED, retryable=False),
    Row(TooSlow, grpc.StatusCode.DEADLINE_EXCEEDED, retryable=True),
    Row(Overloaded, grpc.StatusCode.RESOURCE_EXHAUSTED, retryable=True),
    Row(RateLimited, grpc.StatusCode.RESOURCE_EXHAUSTED, retryable=True),
    Row(Unavailable, grpc.StatusCode.UNAVAILABLE, retryable=True),
    Row(StoreFault, grpc.StatusCode.INTERNAL, retryable=False),
    Row(Exception, grpc.StatusCode.INTERNAL, retryable=False),
)


def row_for(error: Exception) -> Row:
    """The row of the table that an error belongs to."""
    return next(row for row in TABLE if isinstance(error, row.error))


def to_status(error: Exception) -> status_pb2.Status:
    """The google.rpc.Status that answers an error. Logs it if it is a fault of ours."""
    code = row_for(error).code
    status = status_pb2.Status(code=code.value[0], message=_message(error, code))
    for detail in _details(error):
        packed = any_pb2.Any()
        packed.Pack(detail)
        status.details.append(packed)
    return status


class _Pushback(grpc.Status):
    """A status whose trailers also tell gRPC's own retries when to come back.

    https://github.com/grpc/proposal/blob/master/A6-client-retries.md: the clients
    that a service config tells to retry read this, and not RetryInfo.
    """

    def __init__(self, status: Any, milliseconds: int) -> None:
        self.code = status.code
        self.details = status.details
        self.trailing_metadata = (*status.trailing_metadata, (PUSHBACK, str(milliseconds)))


def with_pushback(status: Any, error: Exception) -> Any:
    """The status, with the delay for gRPC's own retries where the error names one."""
    if not isinstance(error, RetryLater):
        return status
    return _Pushback(status, round(error.retry_after * 1000))


def _message(error: Exception, code: grpc.StatusCode) -> str:
    if code is grpc.StatusCode.INTERNAL:
        return (
            f"An unexpected fault, which the server's log explains under fault {_logged(error)}; "
            "sending the same again is safe but is likely to fail again."
        )
    if isinstance(error, DecodeError):
        return "The request is not a readable message of the type that this method takes."
    if isinstance(error, StoreUnavailable):
        # Its own text names hosts and users of the database, for the log only.
        return default_message(StoreUnavailable)
    return _clipped(str(error), _MAX_MESSAGE_CHARACTERS)


def _details(error: Exception) -> list[Message]:
    if isinstance(error, InvalidRequest):
        return [_bad_request(error)]
    if isinstance(error, RetryLater):
        delay = duration_pb2.Duration()
        delay.FromMilliseconds(round(error.retry_after * 1000))
        return [error_details_pb2.RetryInfo(retry_delay=delay)]
    if isinstance(error, AlreadyExists):
        return [
            error_details_pb2.ErrorInfo(reason=error.reason, domain=ERROR_DOMAIN, metadata=error.metadata)
        ]
    return []


def _bad_request(error: InvalidRequest) -> error_details_pb2.BadRequest:
    """The violations, as many as fit."""
    bad_request = error_details_pb2.BadRequest()
    for violation in error.violations:
        bad_request.field_violations.add(
            field=_clipped(violation.field, 200),
            description=_clipped(violation.message, 300),
            reason=violation.rule_id.upper().replace(".", "_"),
        )
        if bad_request.ByteSize() > _MAX_DETAILS_BYTES:
            del bad_request.field_violations[-1]
            break
    return bad_request


def _clipped(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _logged(error: Exception) -> str:
    """Logs a fault and returns its id: the same for the same kind of error at the same place.

    So however often a caller runs into it, the log, which holds back repeated
    lines, has this id.
    """
    places = [f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)]
    origin = "\n".join([type(error).__qualname__, *places])
    fault = hashlib.sha256(origin.encode()).hexdigest()[:8]
    _log.error("A call failed by fault %s.", fault, exc_info=error, extra={"word": "fault"})
    return fault
