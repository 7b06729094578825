"""The writing side of an HTTP connection: a client that goes while an answer is gathered."""

import asyncio
import socket
from typing import Any

import pytest
import uvloop

from shopalytic_server.gateway.http.transport import GatheringTransport


async def _write_to_a_client_that_goes() -> list[dict[str, Any]]:
    loop = asyncio.get_running_loop()
    faults: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _, context: faults.append(context))
    ours, theirs = socket.socketpair()
    lost = loop.create_future()

    class Connection(asyncio.Protocol):
        def connection_lost(self, exc: Exception | None) -> None:
            lost.set_result(None)

    transport, _ = await loop.create_connection(Connection, sock=ours)
    gathering = GatheringTransport(transport, loop, lambda _: False)
    transport.abort()
    await lost
    gathering.write(b"HTTP/1.1 200 OK\r\n")
    # The turn in which it is written.
    turn = loop.create_future()
    loop.call_soon(turn.set_result, None)
    await turn
    theirs.close()
    return faults


@pytest.mark.parametrize("runner", [asyncio.run, uvloop.run])
def test_an_answer_to_a_client_that_has_gone_is_dropped_without_a_fault(runner: Any):
    assert runner(_write_to_a_client_that_goes()) == []
