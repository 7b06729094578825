"""The two forms in which RPC messages travel over HTTP: JSON and binary. gRPC is given binary as it is."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import lru_cache

from google.protobuf import json_format
from google.protobuf.message import DecodeError, Message

from shopalytic.v1.collector_pb2 import TrackRequest
from shopalytic.v1.reports_pb2 import TailEventsResponse
from shopalytic_server.domain.formats.wire import records
from shopalytic_server.gateway.errors import Refusal
from shopalytic_server.gateway.requests.payload import MAX_EVENTS
from shopalytic_server.gateway.rpc.json_messages import read_json
from shopalytic_server.gateway.work import SMALL_BYTES, Work

OnCount = Callable[[int], None]
_EVENTS = TrackRequest.EVENTS_FIELD_NUMBER
_MOST_FIELDS = 2 * MAX_EVENTS


@dataclass(frozen=True, slots=True)
class Codec:
    """One form, by its name in content types.

    `read` gives the binary form of a request; its last argument is told how many
    events there are, before any is read. `write` takes the binary form of an answer.
    """

    name: str
    read: Callable[[bytes, type[Message], Work, OnCount], Awaitable[bytes]]
    write: Callable[[bytes, type[Message], Work], Awaitable[bytes]]


async def _from_binary(data: bytes, kind: type[Message], _work: Work, on_count: OnCount) -> bytes:
    # What is in it, the server counts and reads; here would only be the same again.
    if kind is TrackRequest:
        on_count(_count_events(data))
    return data


def _count_events(data: bytes) -> int:
    count = 0
    try:
        for index, record in enumerate(records(data, 0, len(data))):
            count += record.number == _EVENTS
            if count > MAX_EVENTS:
                text = f"events: has more than {MAX_EVENTS:,} items; send fewer."
                raise Refusal(400, "invalid_argument", text)
            if index >= _MOST_FIELDS:
                raise DecodeError("it has too many fields")
    except DecodeError as error:
        text = f"The request is not a readable TrackRequest: {error}."
        raise Refusal(400, "invalid_argument", text) from None
    return count


async def _to_binary(data: bytes, _kind: type[Message], _work: Work) -> bytes:
    return data


async def _to_json(data: bytes, kind: type[Message], work: Work) -> bytes:
    if len(data) > SMALL_BYTES // 2:
        return await work.apart(_json_of, data, kind)
    if kind is TailEventsResponse:
        return _told(data)
    return _json_of(data, kind)


# All who watch are told the same, at about the same time.
@lru_cache(maxsize=256)
def _told(data: bytes) -> bytes:
    return _json_of(data, TailEventsResponse)


def _json_of(data: bytes, kind: type[Message]) -> bytes:
    return json_format.MessageToJson(kind.FromString(data), indent=None).encode()


CODECS = {
    "json": Codec("json", read_json, _to_json),
    "proto": Codec("proto", _from_binary, _to_binary),
}
