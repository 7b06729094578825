"""How the gateway refuses a request, and the one table from the collector's codes to HTTP.

Exception
├── Refusal      answered with a status and a sentence
└── ClientGone   the client hung up; there is nobody to answer
"""

import math
from typing import NamedTuple, cast

import grpc
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status


class Refusal(Exception):
    """A request that gets an error for an answer."""

    def __init__(
        self, status: int, code: str, message: str, *, retry_after: int | None = None, close: bool = False
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.retry_after = retry_after
        self.close = close


class ClientGone(Exception):
    """The client closed the connection before its request was whole."""


class Row(NamedTuple):
    """What one gRPC code is over HTTP."""

    name: str
    """Its name in the Connect protocol and in the errors of /collect."""
    rpc_status: int
    """HTTP status on the RPC routes, as the Connect protocol has it."""
    collect_status: int
    """HTTP status at /collect: 503 wherever sending the same again may help, so that no tag drops events."""
    retry_after: int | None
    """Seconds until a repetition makes sense, where the collector names no time. None: do not repeat;
    so the collector says that a request is too large by RESOURCE_EXHAUSTED without a time."""


CODES: dict[grpc.StatusCode, Row] = {
    grpc.StatusCode.CANCELLED: Row("canceled", 499, 503, 1),
    grpc.StatusCode.UNKNOWN: Row("unknown", 500, 503, 5),
    grpc.StatusCode.INVALID_ARGUMENT: Row("invalid_argument", 400, 400, None),
    grpc.StatusCode.DEADLINE_EXCEEDED: Row("deadline_exceeded", 504, 503, 2),
    grpc.StatusCode.NOT_FOUND: Row("not_found", 404, 404, None),
    grpc.StatusCode.ALREADY_EXISTS: Row("already_exists", 409, 409, None),
    grpc.StatusCode.PERMISSION_DENIED: Row("permission_denied", 403, 403, None),
    grpc.StatusCode.RESOURCE_EXHAUSTED: Row("resource_exhausted", 429, 429, None),
    grpc.StatusCode.FAILED_PRECONDITION: Row("failed_precondition", 400, 400, None),
    grpc.StatusCode.ABORTED: Row("aborted", 409, 503, 1),
    grpc.StatusCode.OUT_OF_RANGE: Row("out_of_range", 400, 400, None),
    grpc.StatusCode.UNIMPLEMENTED: Row("unimplemented", 501, 503, 5),
    grpc.StatusCode.INTERNAL: Row("internal", 500, 503, 5),
    grpc.StatusCode.UNAVAILABLE: Row("unavailable", 503, 503, 2),
    grpc.StatusCode.DATA_LOSS: Row("data_loss", 500, 503, 5),
    grpc.StatusCode.UNAUTHENTICATED: Row("unauthenticated", 401, 401, None),
}


class CollectorError(NamedTuple):
    """A failed call of the collector, read from what gRPC raised."""

    row: Row
    message: str
    details: status_pb2.Status | None
    retry_after: int | None


def collector_error(error: grpc.aio.AioRpcError) -> CollectorError:
    """What a failed call means for whoever asked the gateway."""
    row = CODES.get(error.code(), CODES[grpc.StatusCode.UNKNOWN])
    details = _rich_status(error)
    message = error.details() or "The collector gave no reason."
    if row.name == "unavailable" and details is None:
        # Only gRPC itself answers so, and its words hold the collector's address.
        message = "The collector cannot be reached; nothing was stored. Send the same request again later."
    elif row.name == "deadline_exceeded":
        message = "The collector did not answer in time. Sending the same request again is safe."
    return CollectorError(row, message, details, _retry_after(details, row.retry_after))


def collect_refusal(error: grpc.aio.AioRpcError) -> Refusal:
    """The answer of /collect to a failed call."""
    failure = collector_error(error)
    row = failure.row
    if row.name == "resource_exhausted" and failure.retry_after is None:
        return Refusal(413, "too_large", failure.message)
    return Refusal(row.collect_status, row.name, failure.message, retry_after=failure.retry_after)


def _rich_status(error: grpc.aio.AioRpcError) -> status_pb2.Status | None:
    try:
        # The error has the three methods that from_call reads, though not its declared type.
        status: status_pb2.Status | None = rpc_status.from_call(cast(grpc.Call, error))
    except ValueError:
        return None
    return status


def _retry_after(details: status_pb2.Status | None, default: int | None) -> int | None:
    retry = error_details_pb2.RetryInfo()
    for detail in details.details if details is not None else ():
        if detail.Unpack(retry):
            delay = retry.retry_delay
            return max(1, math.ceil(float(delay.seconds + delay.nanos / 1e9)))
    return default
