"""POST /collect against its limits: bare uvicorn that stores nothing, and a minimal Node server that stores.

Every request carries one event and is answered when it is durable (but for the
bare server). They take turns in the same run: the gateway inside the service, and
`shopalytic gateway` in a process of its own before the same service. Prints JSON.
Needs Node.js; what the Node server needs is installed by its lock file.
Run: .venv/bin/python tests/benchmarks/gateway.py [--small]
"""

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import psycopg
import uvloop
from load.http_load import send_all
from load.service import running_service
from psycopg.conninfo import conninfo_to_dict

from shopalytic.events.decoding import uuid7

_FOLDER = Path(__file__).resolve().parent
_CONNECTIONS = 32
_AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36"


@dataclass
class Contender:
    """One server, the processes that work for it, and what was measured."""

    port: int
    server: list[psutil.Process]
    postgres: psutil.Process | None = None
    rates: list[float] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)
    server_cpu: list[float] = field(default_factory=list)
    postgres_cpu: list[float] = field(default_factory=list)

    async def round(self, key: str, count: int) -> None:
        """Sends so many events and notes how it went."""
        requests = [request(key) for _ in range(count)]
        server, postgres = cpu_seconds(self.server), self._postgres_seconds()
        seconds, latencies = await send_all(self.port, requests, _CONNECTIONS)
        self.server_cpu.append((cpu_seconds(self.server) - server) / count)
        self.postgres_cpu.append((self._postgres_seconds() - postgres) / count)
        self.rates.append(count / seconds)
        self.latencies += latencies

    def _postgres_seconds(self) -> float:
        return cpu_seconds([self.postgres, *self.postgres.children()]) if self.postgres else 0.0

    def figures(self) -> dict[str, float]:
        """The medians of the rounds; CPU is per event, in microseconds."""
        ordered = sorted(self.latencies)
        return {
            "requests_per_second": round(statistics.median(self.rates)),
            "p50_ms": round(1_000 * ordered[len(ordered) // 2], 2),
            "p99_ms": round(1_000 * ordered[len(ordered) * 99 // 100], 2),
            "server_cpu_us": round(1_000_000 * statistics.median(self.server_cpu)),
            "postgres_cpu_us": round(1_000_000 * statistics.median(self.postgres_cpu)),
        }


def cpu_seconds(processes: list[psutil.Process]) -> float:
    """What the processes have used of the processor so far."""
    total = 0.0
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            total += times.user + times.system
    return total


def request(key: str) -> bytes:
    """A page view as the tag sends it, from a visitor who has the cookie."""
    visitor = f"{os.urandom(8).hex()}-visitor"
    now = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())
    page = f"https://shop.example/p/{os.urandom(2).hex()}?ref=list"
    event = {
        "type": "page_view",
        "event_id": uuid7(),
        "occurred_at": now,
        "tracking_id": visitor,
        "source": "web",
        "context": {"url": page, "language": "en-GB", "screen_width": 1920, "screen_height": 1080},
        "properties": {"url": page, "referrer": "https://shop.example/", "title": "A product"},
    }
    body = json.dumps({"token": key, "sent_at": now, "events": [event]}).encode()
    head = (
        f"POST /collect HTTP/1.1\r\nhost: www.shop.example\r\nuser-agent: {_AGENT}\r\n"
        f"origin: https://www.shop.example\r\ncookie: shopalytic_id={visitor}\r\n"
        f"content-type: text/plain;charset=UTF-8\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


@contextmanager
def printing_its_port(
    command: list[str], env: dict[str, str] | None = None
) -> Iterator[tuple[int, psutil.Process]]:
    """A server that prints its port as its first line."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env)
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline()), psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(timeout=10)


@contextmanager
def node_server(database_url: str) -> Iterator[tuple[int, psutil.Process]]:
    """The Node server, on the same PostgreSQL."""
    folder = _FOLDER / "node_baseline"
    subprocess.run(["npm", "ci", "--silent"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    names = {
        "host": "PGHOST",
        "port": "PGPORT",
        "user": "PGUSER",
        "password": "PGPASSWORD",
        "dbname": "PGDATABASE",
    }
    given = {names[key]: str(value) for key, value in conninfo_to_dict(database_url).items() if key in names}
    command = ["node", str(folder / "server.mjs"), str(_CONNECTIONS)]
    with printing_its_port(command, {**os.environ, **given}) as started:
        yield started


@contextmanager
def gateway_apart(collector: str) -> Iterator[int]:
    """`shopalytic gateway` in a process of its own; yields its port."""
    with tempfile.TemporaryDirectory() as folder:
        ready = Path(folder, "ready.json")
        command = [sys.executable, "-m", "shopalytic", "gateway", "--collector", collector]
        process = subprocess.Popen(
            [*command, "--http-port", "0", "--address-rate", "0", "--ready-file", str(ready)],
            stdout=subprocess.DEVNULL,
        )
        try:
            while not ready.exists():
                if process.poll() is not None:
                    raise RuntimeError("the gateway did not become ready; its own message is above")
                time.sleep(0.05)
            yield port_of(json.loads(ready.read_text()))
        finally:
            process.terminate()
            process.wait(timeout=60)


def port_of(ready: dict[str, Any]) -> int:
    """The HTTP port that a ready file tells."""
    return int(ready["http_address"].rpartition(":")[2])


def listener_on(address: str) -> psutil.Process:
    """The process that listens on a port."""
    port = int(address.rpartition(":")[2])
    for connection in psutil.net_connections("tcp"):
        if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port:
            return psutil.Process(connection.pid)
    raise RuntimeError(f"nothing listens on port {port}")


def postmaster(database_url: str) -> psutil.Process:
    """PostgreSQL's main process, whose children do the work."""
    with psycopg.connect(database_url) as connection:
        row = connection.execute("SHOW data_directory").fetchone()
    assert row is not None
    return psutil.Process(int(Path(row[0], "postmaster.pid").read_text().split("\n")[0]))


def count_events(database_url: str) -> int:
    """The events that are stored."""
    with psycopg.connect(database_url) as connection:
        row = connection.execute("SELECT count(*) FROM events").fetchone()
    assert row is not None
    return int(row[0])


async def take_turns(contenders: dict[str, Contender], key: str, count: int, rounds: int) -> None:
    """Warms all of them up, then measures each in every round."""
    for contender in contenders.values():
        await send_all(contender.port, [request(key) for _ in range(count // 4)], _CONNECTIONS)
    for _ in range(rounds):
        for contender in contenders.values():
            await contender.round(key, count)


def measure(stack: ExitStack, *, count: int, rounds: int) -> dict[str, Any]:
    """Everything that is printed."""
    ready = stack.enter_context(running_service())
    url, key = ready["database_url"], ready["keys"]["browser"]
    postgres = postmaster(url)
    server = listener_on(ready["grpc_address"])
    apart_port = stack.enter_context(gateway_apart(ready["grpc_address"]))
    bare_port, bare = stack.enter_context(
        printing_its_port([sys.executable, str(_FOLDER / "load" / "bare_http.py")])
    )
    node_port, node = stack.enter_context(node_server(url))
    contenders = {
        "bare_uvicorn": Contender(bare_port, [bare]),
        "node": Contender(node_port, [node], postgres),
        "gateway": Contender(port_of(ready), [server], postgres),
        "gateway_apart": Contender(apart_port, [server, listener_on(f":{apart_port}")], postgres),
    }
    uvloop.run(take_turns(contenders, key, count, rounds))
    sent = 2 * (count // 4 + rounds * count)
    if count_events(url) != sent:
        raise RuntimeError(f"{sent} events were answered, but {count_events(url)} are stored")
    rates = {name: statistics.median(each.rates) for name, each in contenders.items()}
    return {
        "connections": _CONNECTIONS,
        "events_per_round": count,
        "rounds": rounds,
        **{name: each.figures() for name, each in contenders.items()},
        "gateway_to_node": round(rates["gateway"] / rates["node"], 2),
        "gateway_apart_to_node": round(rates["gateway_apart"] / rates["node"], 2),
        "gateway_to_bare_uvicorn": round(rates["gateway"] / rates["bare_uvicorn"], 3),
    }


def main() -> None:
    """Runs and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="a few seconds, to prove that it works")
    given = parser.parse_args()
    count, rounds = (400, 1) if given.small else (10_000, 5)
    with ExitStack() as stack:
        figures = measure(stack, count=count, rounds=rounds)
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
