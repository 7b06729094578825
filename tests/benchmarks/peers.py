"""What a page view costs here and at peers: one table of rates, waits, CPU, and what is stored.

The peers take turns in one run, on one PostgreSQL, with the same requests. Each is
asked too whether what it answered is stored right after its answer, and whether a
request that comes again is stored again. Umami is left out: it has to be built of
its own sources.
Needs Node.js; what the Node server needs is installed by its lock file.
Run: .venv/bin/python tests/benchmarks/peers.py [--small]
"""

import argparse
from collections.abc import Callable
from contextlib import ExitStack
from typing import NamedTuple

import psycopg
import uvloop
from gateway import Contender, listener_on, node_server, port_of, postmaster, request, take_turns
from load.http_load import send_all
from load.service import running_service

_AGAIN = 200


class Kept(NamedTuple):
    """What became of requests that a peer answered, and of the same ones sent again."""

    stored: bool
    duplicates: bool


def counted(database_url: str, table: str) -> Callable[[], int]:
    """Counts a peer's rows."""

    def count() -> int:
        with psycopg.connect(database_url) as connection:
            row = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
        assert row is not None
        return int(row[0])

    return count


async def kept(contender: Contender, key: str, count: Callable[[], int]) -> Kept:
    """Sends some requests twice, and counts in between."""
    requests = [request(key) for _ in range(_AGAIN)]
    before = count()
    await send_all(contender.port, requests, 8)
    once = count()
    await send_all(contender.port, requests, 8)
    return Kept(once - before == _AGAIN, count() > once)


def main() -> None:
    """Runs and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="a few seconds, to prove that it works")
    count, rounds = (400, 1) if parser.parse_args().small else (10_000, 5)
    with ExitStack() as stack:
        ready = stack.enter_context(running_service())
        url, key = ready["database_url"], ready["keys"]["browser"]
        postgres = postmaster(url)
        server = listener_on(ready["grpc_address"])
        node_port, node = stack.enter_context(node_server(url))
        contenders = {
            "Shopalytic": Contender(port_of(ready), [server], postgres),
            "Node, an INSERT each": Contender(node_port, [node], postgres),
        }
        counts = {
            "Shopalytic": counted(url, "events"),
            "Node, an INSERT each": counted(url, "node_events"),
        }
        uvloop.run(take_turns(contenders, key, count, rounds))
        print(
            "| peer | events/s | p99 ms | server us | PostgreSQL us | stored when answered | repeats stored |"
        )
        print("| --- | --- | --- | --- | --- | --- | --- |")
        for name, contender in contenders.items():
            figures, found = contender.figures(), uvloop.run(kept(contender, key, counts[name]))
            cells = [
                *(
                    figures[each]
                    for each in ("requests_per_second", "p99_ms", "server_cpu_us", "postgres_cpu_us")
                ),
                *("yes" if each else "no" for each in found),
            ]
            print(f"| {name} | {' | '.join(map(str, cells))} |")
    print("Umami is left out: it has to be built of its own sources.")


if __name__ == "__main__":
    main()
