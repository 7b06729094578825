"""How long `serve` takes from an empty directory to the first stored event, PostgreSQL's own start beside it.

Prints JSON. Run: .venv/bin/python tests/benchmarks/start.py [--small]
"""

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import grpc
from load.service import running_service
from load.workload import Workload

from shopalytic_server.embedded import EmbeddedPostgres


def first_event() -> float:
    """Seconds from the command to the answer on the first event."""
    [request] = Workload().requests(1, 1)
    started = time.perf_counter()
    with running_service() as service, grpc.insecure_channel(service["grpc_address"]) as channel:
        track = channel.unary_unary("/shopalytic.v1.CollectorService/Track")
        track(request, metadata=(("authorization", f"Bearer {service['keys']['server']}"),))
        return time.perf_counter() - started


def postgres_alone() -> float:
    """Seconds that the embedded PostgreSQL takes from an empty directory to its first connection."""
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        with EmbeddedPostgres(Path(folder)):
            return time.perf_counter() - started


def main(rounds: int) -> dict[str, Any]:
    """Everything that is printed."""
    return {
        "first_event_seconds": round(statistics.median(first_event() for _ in range(rounds)), 2),
        "postgres_seconds": round(statistics.median(postgres_alone() for _ in range(rounds)), 2),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="one start instead of five")
    print(json.dumps(main(1 if parser.parse_args().small else 5), indent=2))
