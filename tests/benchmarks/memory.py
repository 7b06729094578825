"""Whether the server's memory stays flat: its size after each step of stored events.

Prints JSON. The size is the anonymous memory of the service's own process, in
which the gRPC server and the writer run; PostgreSQL and its cache are others.
Run: .venv/bin/python tests/benchmarks/memory.py [--small]
"""

import argparse
import json
import re
from pathlib import Path
from typing import Any

import uvloop
from ingest import send
from load.service import running_service
from load.workload import Workload

_BATCH, _IN_FLIGHT = 1_000, 4


def resident_kb(pid: int) -> int:
    """The anonymous memory of a process."""
    found = re.search(r"^RssAnon:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1])


async def sizes(step: int, steps: int) -> dict[str, Any]:
    """Stores `steps` times `step` events of ever new visitors; the sizes after each step."""
    workload, sizes_kb = Workload(visitors=step * steps), []
    with running_service() as service:
        for _ in range(steps):
            # In pieces, so that the requests waiting here are no load of their own.
            for _ in range(step // 10_000):
                requests = list(workload.requests(10, _BATCH))
                await send(service["grpc_address"], service["keys"]["server"], requests, _IN_FLIGHT)
            sizes_kb.append(resident_kb(service["pid"]))
    return {
        "events_per_step": step,
        "megabytes": [round(size / 1024, 1) for size in sizes_kb],
        "last_to_first": round(sizes_kb[-1] / sizes_kb[0], 3),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="20,000 events instead of 5 million")
    small = parser.parse_args().small
    print(json.dumps(uvloop.run(sizes(10_000, 2) if small else sizes(1_000_000, 5)), indent=2))
