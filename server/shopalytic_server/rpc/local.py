"""The collector for a gateway in the same process: events go to the writer without a call over gRPC."""

from collections.abc import Sequence
from typing import Any

import grpc
from google.protobuf.timestamp_pb2 import Timestamp
from grpc_status import rpc_status

from shopalytic.v1.collector_pb2 import Delivery, EventResult, TrackRequest
from shopalytic.v1.events_pb2 import Event
from shopalytic_server.rpc.ingest.batches import Turns, read_batch
from shopalytic_server.rpc.ingest.collector import CollectorServicer
from shopalytic_server.rpc.transport.deadlines import Deadlines
from shopalytic_server.rpc.transport.errors import to_status
from shopalytic_server.rpc.transport.receiving import SMALL_BYTES, Receiver

# So many are written at once.
_AT_ONCE = 50


class _Call:
    """What a call over gRPC says of itself, as far as it is asked here."""

    __slots__ = ("_metadata",)

    def __init__(self, token: str) -> None:
        self._metadata = (("authorization", f"Bearer {token}"),)

    def invocation_metadata(self) -> tuple[tuple[str, str], ...]:
        return self._metadata

    def peer(self) -> str:
        # The gateway has charged the sender's address.
        return ""


class LocalCollector:
    """Takes events as Track does: the same key, limits, checks and errors."""

    def __init__(self, collector: CollectorServicer, turns: Turns, receiver: Receiver) -> None:
        self._collector = collector
        self._turns = turns
        self._receiver = receiver
        self._deadlines = Deadlines()

    async def track(
        self,
        token: str,
        events: Sequence[Event],
        sent_at: Timestamp | None,
        seconds: float,
        deliveries: Sequence[Delivery] = (),
    ) -> list[EventResult]:
        """The verdicts, in order. Raises grpc.aio.AioRpcError, with all that one of a call would have."""
        call: Any = _Call(token)
        try:
            with self._deadlines.ends_after(seconds):
                return await self._store(call, await self._written(events, sent_at, deliveries))
        except TimeoutError:
            raise _failed(grpc.StatusCode.DEADLINE_EXCEEDED, "It was not stored in time.") from None
        except Exception as error:  # noqa: BLE001 - the table has a row for everything
            status = rpc_status.to_status(to_status(error))
            trailing = grpc.aio.Metadata(*status.trailing_metadata)
            failed = _failed(status.code, status.details, trailing)
        # Here the error is gone, and with it the frames of its traceback, which have the request.
        raise failed

    async def _written(
        self, events: Sequence[Event], sent_at: Timestamp | None, deliveries: Sequence[Delivery]
    ) -> bytes:
        """The TrackRequest, serialized. Messages that follow each other are one with the events of all."""
        first = TrackRequest(events=events[:_AT_ONCE], sent_at=sent_at, deliveries=deliveries)
        data = first.SerializeToString()
        if len(events) <= _AT_ONCE:
            return data
        parts = [data]
        with self._turns.turn() as turn:
            for begin in range(_AT_ONCE, len(events), _AT_ONCE):
                parts.append(TrackRequest(events=events[begin : begin + _AT_ONCE]).SerializeToString())
                if turn.is_over:
                    await turn.pass_on()
        return b"".join(parts)

    async def _store(self, call: Any, data: bytes) -> list[EventResult]:
        small = len(data) <= SMALL_BYTES
        self._receiver.small_calls += small
        try:
            return list(await self._collector.store(await read_batch(data, self._turns), call))
        finally:
            self._receiver.small_calls -= small


def _failed(
    code: grpc.StatusCode, details: str, trailing: grpc.aio.Metadata | None = None
) -> grpc.aio.AioRpcError:
    return grpc.aio.AioRpcError(code, grpc.aio.Metadata(), trailing or grpc.aio.Metadata(), details)
