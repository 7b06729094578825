"""What a call of the Python client costs its caller, and what it delivers; beside two well-known clients.

Each client runs in its own process, against a server in another that answers at once. The peers are installed
from PyPI into a throw-away directory; without a network they are left out, and the result says so.
"""

import argparse
import asyncio
import gc
import json
import logging
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PROPERTIES = {
    "url": "https://shop.example/p/1?ref=list",
    "referrer": "https://shop.example/",
    "title": "A product of the shop",
}
PEERS = {"segment": "segment-analytics-python", "posthog": "posthog"}
TARGETS = {"call_us": 8.0, "through_flush_per_s": 60_000}

Track = Callable[[int], object]


def measure(track: Track, finish: Callable[[], object], calls: int) -> dict[str, float]:
    """The caller's CPU for a call while nothing is full, and events per second until all are delivered."""
    track(0)
    finish()
    gc.collect()
    costs = []
    for _ in range(5):
        begin = time.thread_time()
        for number in range(calls // 5):
            track(number)
        costs.append((time.thread_time() - begin) / (calls // 5) * 1e6)
        finish()
    begin = time.perf_counter()
    for number in range(calls):
        track(number)
    finish()
    seconds = time.perf_counter() - begin
    return {"call_us": round(statistics.median(costs), 2), "through_flush_per_s": round(calls / seconds)}


def run_ours(target: str, calls: int) -> dict[str, float]:
    """This repository's client, with its settings as they come."""
    from shopalytic import Client

    with Client(target, "a-key", source="web") as client:
        result = measure(
            lambda _: client.track("page_view", PROPERTIES, tracking_id="visitor-1"),
            client.flush,
            calls,
        )
        # Every event is one that the server answered: a figure for lost events would be worthless.
        if client.stats.accepted != client.stats.queued:
            raise RuntimeError(f"{client.stats} does not add up")
    return result


def run_segment(target: str, calls: int) -> dict[str, float]:
    """segment-analytics-python, with room for every event; it drops what finds none."""
    from segment.analytics.client import Client

    client = Client("a-key", host=f"http://{target}", max_queue_size=calls + 10)
    result = measure(lambda _: client.track("visitor-1", "page_view", PROPERTIES), client.flush, calls)
    client.join()
    return result


def run_posthog(target: str, calls: int) -> dict[str, float]:
    """posthog, the same."""
    from posthog import Posthog

    client = Posthog("a-key", host=f"http://{target}", max_queue_size=calls + 10)
    result = measure(
        lambda _: client.capture("page_view", distinct_id="visitor-1", properties=PROPERTIES),
        client.flush,
        calls,
    )
    client.shutdown()
    return result


def serve_collector() -> None:
    """Answers every Track at once, each event with ACCEPTED."""
    from concurrent.futures import ThreadPoolExecutor
    from functools import cache

    import grpc

    from shopalytic.sending.connection import TRACK_METHOD
    from shopalytic.v1 import collector_pb2 as pb

    @cache
    def answer(events: int) -> bytes:
        result = pb.EventResult(
            event_id="0190b6f0-8c7e-7cc0-9d3a-5f1c2b7a4e10", status=pb.EVENT_STATUS_ACCEPTED
        )
        return pb.TrackResponse(results=[result] * events).SerializeToString()

    def track(request: pb.TrackRequest, _: object) -> bytes:
        return answer(len(request.events))

    handler = grpc.unary_unary_rpc_method_handler(track, request_deserializer=pb.TrackRequest.FromString)
    service, method = TRACK_METHOD.strip("/").split("/")
    server = grpc.server(
        ThreadPoolExecutor(2), handlers=[grpc.method_handlers_generic_handler(service, {method: handler})]
    )
    print(server.add_insecure_port("127.0.0.1:0"), flush=True)
    server.start()
    server.wait_for_termination()


def serve_http() -> None:
    """Answers every POST with 200 once its body is read."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                fields = dict(line.lower().split(b":", 1) for line in head.split(b"\r\n")[1:-2])
                await reader.readexactly(int(fields.get(b"content-length", b"0")))
                writer.write(
                    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"
                )
        except asyncio.IncompleteReadError:
            writer.close()

    async def main() -> None:
        server = await asyncio.start_server(connected, "127.0.0.1", 0, limit=2**24)
        print(server.sockets[0].getsockname()[1], flush=True)
        await server.serve_forever()

    asyncio.run(main())


ROLES: dict[str, Callable[[str, int], Any]] = {
    "ours": run_ours,
    "segment": run_segment,
    "posthog": run_posthog,
    "collector": lambda *_: serve_collector(),
    "http": lambda *_: serve_http(),
}


def command(role: str, *arguments: str) -> list[str]:
    """This file in another process."""
    return [sys.executable, __file__, "--role", role, *arguments]


@contextmanager
def served(role: str) -> Iterator[str]:
    """A server of that kind, by its address."""
    process = subprocess.Popen(command(role), stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield f"127.0.0.1:{process.stdout.readline().strip()}"
    finally:
        process.terminate()
        process.wait()


def client_run(role: str, target: str, calls: int, path: Path | None = None) -> dict[str, Any]:
    """One client's figures, from a process of its own."""
    environment = {**os.environ, **({"PYTHONPATH": str(path)} if path else {})}
    done = subprocess.run(
        command(role, "--target", target, "--calls", str(calls)),
        env=environment, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    if done.returncode:
        return {"left_out": done.stderr.strip().splitlines()[-1][:200]}
    figures: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return figures


def installed(package: str, path: Path) -> str | None:
    """Installs a package there; what went wrong, if it did."""
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    done = subprocess.run(
        [*pip, "--target", str(path), package], capture_output=True, text=True, timeout=180, check=False
    )
    if done.returncode == 0:
        return None
    return (done.stderr.strip().splitlines() or ["pip failed"])[-1][:200]


def main() -> None:
    """Runs everything and prints one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="a few seconds, without the peers")
    parser.add_argument("--calls", type=int, default=100_000)
    parser.add_argument("--role", choices=ROLES, help=argparse.SUPPRESS)
    parser.add_argument("--target", default="", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.role:
        logging.disable()
        print(json.dumps(ROLES[arguments.role](arguments.target, arguments.calls)))
        return
    calls = 5_000 if arguments.small else arguments.calls
    with served("collector") as target:
        result: dict[str, Any] = {"targets": TARGETS, "shopalytic": client_run("ours", target, calls)}
    if not arguments.small:
        with served("http") as target, tempfile.TemporaryDirectory() as folder:
            for role, package in PEERS.items():
                path = Path(folder) / role
                problem = installed(package, path)
                # A fifth of the calls: they take that much longer.
                left_out = {"left_out": problem}
                result[package] = left_out if problem else client_run(role, target, calls // 5, path)
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
