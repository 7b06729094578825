"""Whether batches stay as fast when much is stored: the rate at the start and after each step.

Prints JSON. Run: .venv/bin/python tests/benchmarks/growth.py [--events 50000000] [--small]
"""

import argparse
import json
import statistics
from typing import Any

import uvloop
from ingest import send
from service import running_service
from workload import Workload

_BATCH, _IN_FLIGHT, _PIECE = 1_000, 4, 10_000


async def growth(first: int, last: int) -> dict[str, Any]:
    """Fills the store up to `last` events; the median rates of the pieces around `first` and `last`."""
    workload, rates = Workload(visitors=max(20_000, last // 10)), []
    with running_service() as service:
        for _ in range(last // _PIECE):
            requests = list(workload.requests(_PIECE // _BATCH, _BATCH))
            address, key = service["grpc_address"], service["keys"]["server"]
            seconds, _ = await send(address, key, requests, _IN_FLIGHT)
            rates.append(_PIECE / seconds)
    # As many pieces are looked at on both sides.
    count = max(1, first // _PIECE // 2)
    early, late = (
        statistics.median(part) for part in (rates[count : 2 * count] or rates[:1], rates[-count:])
    )
    return {
        "stored_first": first,
        "stored_last": last,
        "events_per_second_first": round(early),
        "events_per_second_last": round(late),
        "ratio": round(late / early, 3),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=2_000_000, help="how many to store (2,000,000)")
    parser.add_argument("--small", action="store_true", help="a quick run that proves the benchmark works")
    options = parser.parse_args()
    first, last = (20_000, 40_000) if options.small else (min(1_000_000, options.events // 2), options.events)
    print(json.dumps(uvloop.run(growth(first, last)), indent=2))
