"""Batches of 100 over several connections into one server process and into two: what a second one gives.

Prints JSON. The services have a database each and take turns.
Run: .venv/bin/python tests/benchmarks/workers.py [--small]
"""

import argparse
import asyncio
import json
import statistics
import time
from collections.abc import Sequence
from typing import Any

import grpc
import uvloop
from load.service import running_service, track_bytes
from load.workload import Workload

_CONNECTIONS = 8
_BATCH = 100


async def send(service: dict[str, Any], requests: Sequence[bytes]) -> float:
    """Sends all requests, one at a time on each connection; returns the events a second."""
    waiting = iter(requests)
    metadata = (("authorization", f"Bearer {service['keys']['server']}"),)

    async def sender() -> None:
        # The kernel gives each connection to one of the processes.
        options = [("grpc.use_local_subchannel_pool", 1)]
        async with grpc.aio.insecure_channel(service["grpc_address"], options=options) as channel:
            track = track_bytes(channel)
            for request in waiting:
                await track(request, metadata=metadata)

    started = time.perf_counter()
    await asyncio.gather(*(sender() for _ in range(_CONNECTIONS)))
    return len(requests) * _BATCH / (time.perf_counter() - started)


async def measure(events: int, rounds: int) -> dict[str, Any]:
    """Everything that is printed."""
    with running_service() as one, running_service("--workers", "2") as two:
        rates: dict[str, list[float]] = {"one": [], "two": []}
        for seed in range(rounds + 1):
            for name, service in (("one", one), ("two", two)):
                requests = list(Workload(seed).requests(events // _BATCH, _BATCH))
                rates[name].append(await send(service, requests))
    # The first round warms up.
    ratios = [two / one for one, two in zip(rates["one"][1:], rates["two"][1:], strict=True)]
    return {
        "connections": _CONNECTIONS,
        "batch_size": _BATCH,
        "one_per_second": round(statistics.median(rates["one"][1:])),
        "two_per_second": round(statistics.median(rates["two"][1:])),
        "ratio": round(statistics.median(ratios), 3),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="a quick run that proves the benchmark works")
    small = parser.parse_args().small
    print(json.dumps(uvloop.run(measure(1_000 if small else 30_000, 1 if small else 3)), indent=2))
