"""The threaded client's one connection: sends a request, can be hung up on, and stands still for a fork."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import grpc
from google.protobuf.timestamp_pb2 import Timestamp

from shopalytic.sending.batching import Batch
from shopalytic.sending.connection import TRACK_METHOD, Endpoint
from shopalytic.sending.numbering import Numbering
from shopalytic.v1.collector_pb2 import TrackRequest, TrackResponse

_FORK_PATIENCE = 1.0


def request_bytes(batch: Batch, numbering: Numbering | None) -> bytes:
    """The batch as a serialized TrackRequest, with the time of sending and how its events are numbered."""
    seconds, nanos = divmod(time.time_ns(), 1_000_000_000)
    stamp = TrackRequest(sent_at=Timestamp(seconds=seconds, nanos=nanos))
    if numbering is not None:
        numbering.sign(stamp, batch)
    # Protobuf merges concatenated messages, so the events need no second encoding:
    # https://protobuf.dev/programming-guides/encoding/#last-one-wins
    return b"".join([event.chunk for event in batch]) + stamp.SerializeToString()


class HungUp(grpc.RpcError):
    """The channel was closed between two steps of a call."""

    def code(self) -> grpc.StatusCode:
        """The code of a call that was cut off while it ran."""
        return grpc.StatusCode.CANCELLED

    def details(self) -> str:
        """What happened."""
        return "the connection was closed before the call began"

    def trailing_metadata(self) -> tuple[()]:
        """Nothing came from the server."""
        return ()


class Transport:
    """Opens its channel at the first request, in the thread that sends."""

    def __init__(self, endpoint: Endpoint, numbering: Numbering | None = None) -> None:
        self._endpoint = endpoint
        self._numbering = numbering
        self._channel: grpc.Channel | None = None
        self._call: Callable[..., TrackResponse] | None = None
        self._sending = threading.Lock()
        self._opening = threading.Lock()

    def send(self, batch: Batch, timeout: float) -> TrackResponse:
        """One attempt; raises grpc.RpcError."""
        with self._sending:
            try:
                call = self._connected()
                request = request_bytes(batch, self._numbering)
                return call(request, timeout=timeout, metadata=self._endpoint.metadata)
            except grpc.RpcError as error:
                # No answer in time may mean a connection that died silently: take a new one.
                if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
                    self.hang_up()
                raise
            except ValueError as error:
                # What gRPC raises for a channel that was closed before the call began.
                if self._channel is None:
                    raise HungUp from error
                raise

    def hang_up(self) -> None:
        """Closes the channel, from any thread; a running call ends with CANCELLED."""
        with self._opening:
            channel, self._channel, self._call = self._channel, None, None
        if channel is not None:
            channel.close()

    def hold(self) -> None:
        """Keeps the sender out of gRPC while the process forks.

        gRPC skips its own fork handlers, and the child can hang, when another
        thread is inside it: https://github.com/grpc/grpc/blob/master/doc/fork_support.md
        """
        while not self._sending.acquire(timeout=_FORK_PATIENCE):
            self.hang_up()

    def release(self) -> None:
        """Lets the sender go on after the fork."""
        self._sending.release()

    def _connected(self) -> Callable[..., TrackResponse]:
        with self._opening:
            if self._channel is None or self._call is None:
                self._channel = self._endpoint.open()
                self._call = self._channel.unary_unary(
                    TRACK_METHOD, response_deserializer=TrackResponse.FromString
                )
            return self._call
