"""TrackStream and repeated identify calls against single-event Track, in one run.

Prints JSON. They take turns, with a TrackStream of a server that does nothing.
The identify calls are of links that are known, so PostgreSQL's log must not grow
by them, which is measured too.
Run: .venv/bin/python tests/benchmarks/stream.py [--small]
"""

import argparse
import asyncio
import json
import statistics
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any

import grpc
import psycopg
import uvloop
from ingest import send
from load.service import empty_service, running_service
from load.workload import Workload

from shopalytic.events.decoding import uuid7
from shopalytic.v1 import collector_pb2

_UNANSWERED = 1_000
_IN_FLIGHT = 64
_PEOPLE = 500


async def stream(address: str, key: str, requests: Sequence[bytes], *, together: bool = False) -> float:
    """Sends all requests, of one event each, over one stream, so many unanswered at most.

    `together` asks for answers to several at once. Returns the seconds it took.
    """
    # Messages one after the other are one with the fields of all.
    asks = collector_pb2.TrackRequest(answer_together=together).SerializeToString()
    room = asyncio.Semaphore(_UNANSWERED)

    async def sending() -> AsyncIterator[bytes]:
        for request in requests:
            await room.acquire()
            yield request + asks

    async with grpc.aio.insecure_channel(address) as channel:
        call = channel.stream_stream("/shopalytic.v1.CollectorService/TrackStream")
        started = time.perf_counter()
        answers = 0
        async for answer in call(sending(), metadata=(("authorization", f"Bearer {key}"),)):
            count = len(collector_pb2.TrackResponse.FromString(answer).results) if together else 1
            answers += count
            for _ in range(count):
                room.release()
        if answers != len(requests):
            raise RuntimeError(f"{len(requests)} requests had {answers} answers")
        return time.perf_counter() - started


async def identify(address: str, key: str, count: int) -> float:
    """Repeats identify calls; returns the seconds that all took."""
    requests = []
    for number in range(count):
        request = collector_pb2.IdentifyRequest(event_id=uuid7(), identity=f"person-{number % _PEOPLE}")
        request.occurred_at.GetCurrentTime()
        request.tracking_id = f"device-{number % _PEOPLE}"
        requests.append(request.SerializeToString())
    waiting = iter(requests)
    async with grpc.aio.insecure_channel(address) as channel:
        call = channel.unary_unary("/shopalytic.v1.CollectorService/Identify")

        async def worker() -> None:
            for each in waiting:
                await call(each, metadata=(("authorization", f"Bearer {key}"),))

        started = time.perf_counter()
        await asyncio.gather(*(worker() for _ in range(_IN_FLIGHT)))
        return time.perf_counter() - started


def written(database_url: str) -> int:
    """The transactions that have written so far: PostgreSQL numbers only those that write."""
    with psycopg.connect(database_url) as conn:
        row = conn.execute("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint").fetchone()
    assert row is not None
    return int(row[0])


async def measure(calls: int, rounds: int) -> dict[str, Any]:
    """Everything that is printed."""
    rates: dict[str, list[float]] = {"track": [], "stream": [], "together": [], "empty": [], "identify": []}
    writes = 0
    with running_service() as service, empty_service() as empty:
        address, key = service["grpc_address"], service["keys"]["server"]
        await identify(address, key, _PEOPLE)
        for seed in range(rounds):
            seconds, _ = await send(address, key, list(Workload(seed).requests(calls, 1)), _IN_FLIGHT)
            rates["track"].append(calls / seconds)
            sent = 3 * calls
            requests = list(Workload(1_000 + seed).requests(sent, 1))
            rates["stream"].append(sent / await stream(address, key, requests))
            requests = list(Workload(2_000 + seed).requests(sent, 1))
            rates["together"].append(sent / await stream(address, key, requests, together=True))
            rates["empty"].append(sent / await stream(empty, key, requests))
            before = written(service["database_url"])
            rates["identify"].append(calls / await identify(address, key, calls))
            writes += written(service["database_url"]) - before
    single = statistics.median(rates["track"])
    return {
        "in_flight": _IN_FLIGHT,
        "unanswered": _UNANSWERED,
        "single_per_second": round(single),
        "stream_per_second": round(statistics.median(rates["stream"])),
        "stream_to_single": _ratio(rates["stream"], rates["track"]),
        "together_per_second": round(statistics.median(rates["together"])),
        "together_to_single": _ratio(rates["together"], rates["track"]),
        "empty_stream_per_second": round(statistics.median(rates["empty"])),
        "stream_to_empty": _ratio(rates["stream"], rates["empty"]),
        "identify_per_second": round(statistics.median(rates["identify"])),
        "identify_to_single": _ratio(rates["identify"], rates["track"]),
        "writing_transactions_of_identify": writes,
    }


def _ratio(ours: list[float], limit: list[float]) -> float:
    return round(statistics.median(a / b for a, b in zip(ours, limit, strict=True)), 3)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="a quick run that proves the benchmark works")
    small = parser.parse_args().small
    print(json.dumps(uvloop.run(measure(500 if small else 8_000, 1 if small else 3)), indent=2))
