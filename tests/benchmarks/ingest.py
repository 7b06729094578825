"""Ingest against its limits: batches against bare COPY, single calls against an RPC that does nothing.

Prints JSON. Every figure is a median over rounds in which the measured thing
and its limit take turns, so that a machine whose speed drifts does not favour
either. Run: .venv/bin/python tests/benchmarks/ingest.py [--small]
"""

import argparse
import asyncio
import json
import statistics
import time
from collections.abc import Iterable, Sequence
from typing import Any

import grpc
import psycopg
import uvloop
from load.service import empty_service, running_service, track_bytes
from load.workload import Workload

_COLUMNS = (
    "dataset_id, subject, occurred_at, event_id, received_at, sent_at, corrected_at, "
    "type, tracking_id, identity, source, bot, properties, context"
)


async def send(
    address: str, key: str, requests: Sequence[bytes], in_flight: int
) -> tuple[float, list[float]]:
    """Sends all requests; returns the seconds it took and each call's seconds."""
    latencies: list[float] = []
    waiting = iter(requests)
    async with grpc.aio.insecure_channel(address) as channel:
        track = track_bytes(channel)
        metadata = (("authorization", f"Bearer {key}"),)

        async def worker() -> None:
            for request in waiting:
                start = time.perf_counter()
                await track(request, metadata=metadata)
                latencies.append(time.perf_counter() - start)

        start = time.perf_counter()
        await asyncio.gather(*(worker() for _ in range(in_flight)))
        return time.perf_counter() - start, latencies


def copy_again(database_url: str, size: int) -> float:
    """Copies the stored events into the emptied table, `size` a transaction; returns rows a second."""
    with psycopg.connect(database_url, autocommit=True) as conn:
        rows: list[tuple[Any, ...]] = conn.execute(f"SELECT {_COLUMNS} FROM events").fetchall()
        conn.execute("CREATE TEMP TABLE chunk (LIKE events)")
        chunks = [_binary(conn, rows[start : start + size]) for start in range(0, len(rows), size)]
        conn.execute("TRUNCATE events")
        conn.execute("CHECKPOINT")
        start = time.perf_counter()
        for data in chunks:
            with conn.cursor().copy(f"COPY events ({_COLUMNS}) FROM STDIN (FORMAT BINARY)") as copy:
                copy.write(data)
        return len(rows) / (time.perf_counter() - start)


def _binary(conn: psycopg.Connection[Any], rows: Iterable[tuple[Any, ...]]) -> bytes:
    """Rows as PostgreSQL itself encodes them for COPY."""
    conn.execute("TRUNCATE chunk")
    with conn.cursor().copy(f"COPY chunk ({_COLUMNS}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row([_plain(value) for value in row])
    with conn.cursor().copy(f"COPY chunk ({_COLUMNS}) TO STDOUT (FORMAT BINARY)") as copy:
        return b"".join(bytes(part) for part in copy)


def _plain(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, dict) else value


async def batches(events: int, size: int, in_flight: int, rounds: int) -> dict[str, Any]:
    """Batch ingest into fresh services, each followed by a bare COPY of the same rows."""
    ours, limit = [], []
    for seed in range(rounds):
        workload = Workload(seed)
        warm = list(workload.requests(4, size))
        requests = list(workload.requests(events // size, size))
        with running_service() as service:
            address, key = service["grpc_address"], service["keys"]["server"]
            await send(address, key, warm, in_flight)
            seconds, _ = await send(address, key, requests, in_flight)
            ours.append(len(requests) * size / seconds)
            limit.append(copy_again(service["database_url"], size))
    return {
        "batch_size": size,
        "in_flight": in_flight,
        "events_per_second": round(statistics.median(ours)),
        "copy_rows_per_second": round(statistics.median(limit)),
        "ratio": round(statistics.median(a / b for a, b in zip(ours, limit, strict=True)), 3),
    }


async def singles(calls: int, in_flight: int, rounds: int) -> dict[str, Any]:
    """Single-event Track calls, taking turns with calls of a Track that does nothing."""
    rates: dict[str, list[float]] = {"ours": [], "empty": []}
    slow: dict[str, list[float]] = {"ours": [], "empty": []}
    with running_service() as service, empty_service() as empty:
        targets = {"ours": service["grpc_address"], "empty": empty}
        for seed in range(rounds):
            requests = list(Workload(seed).requests(calls, 1))
            for name, address in targets.items():
                seconds, latencies = await send(address, service["keys"]["server"], requests, in_flight)
                rates[name].append(calls / seconds)
                slow[name].append(statistics.quantiles(latencies, n=100)[98])
    ours, limit = statistics.median(rates["ours"]), statistics.median(rates["empty"])
    return {
        "in_flight": in_flight,
        "calls_per_second": round(ours),
        "empty_calls_per_second": round(limit),
        "ratio": round(statistics.median(a / b for a, b in zip(*rates.values(), strict=True)), 3),
        "p99_ms": round(1000 * statistics.median(slow["ours"]), 2),
        "empty_p99_ms": round(1000 * statistics.median(slow["empty"]), 2),
    }


async def _main(small: bool) -> None:
    rounds = 1 if small else 3
    result = {
        "batch": [
            await batches(4_000 if small else 100_000, 1_000, 4, rounds),
            await batches(1_000 if small else 50_000, 100, 8, rounds),
        ],
        "single": await singles(500 if small else 10_000, 64, rounds),
    }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="a quick run that proves the benchmark works")
    uvloop.run(_main(parser.parse_args().small))
