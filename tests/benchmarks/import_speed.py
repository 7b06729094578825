"""How fast `shopalytic import` is, against batches of 1,000 of the same events in the same run.

Both store into one service: half of the events go in as batches, the other half by the command,
in turns, so that neither has the smaller tables. The command's own start is not counted.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.json_format import MessageToDict
from load.service import running_service, track_bytes
from load.workload import Workload

from shopalytic.v1.collector_pb2 import TrackResponse
from shopalytic.v1.events_pb2 import Event

_TURNS = 3
_BATCH = 1_000
_IN_FLIGHT = 4


def line_of(event: Event) -> bytes:
    """The event as a line of JSON that `import` reads."""
    data = MessageToDict(event, preserving_proto_field_name=True)
    data["type"] = kind = event.WhichOneof("payload")
    data["properties"] = data.pop(kind)
    return json.dumps(data).encode() + b"\n"


async def by_batches(ready: dict[str, Any], requests: Iterable[bytes]) -> float:
    """Seconds for these requests, four in flight."""
    waiting = iter(requests)
    metadata = (("authorization", f"Bearer {ready['keys']['server']}"),)

    async def worker() -> None:
        for request in waiting:
            answer = TrackResponse.FromString(await call(request, metadata=metadata))
            if any(result.status != 1 for result in answer.results):
                raise RuntimeError("an event was not accepted")

    async with grpc.aio.insecure_channel(ready["grpc_address"]) as channel:
        call = track_bytes(channel)
        begin = time.perf_counter()
        await asyncio.gather(*(worker() for _ in range(_IN_FLIGHT)))
        return time.perf_counter() - begin


def by_import(ready: dict[str, Any], path: Path, events: int) -> float:
    """Seconds that `shopalytic import` says it took."""
    options = ["--target", ready["grpc_address"], "--key", ready["keys"]["server"], "--json"]
    command = [sys.executable, "-m", "shopalytic", "import", str(path), *options]
    done = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    if done["accepted"] != events:
        raise RuntimeError(f"the import stored not everything: {done}")
    return float(done["seconds"])


def measure(events: int) -> dict[str, Any]:
    """Rates of both, over all turns."""
    workload = Workload()
    imported = batched = 0.0
    with running_service() as ready, tempfile.TemporaryDirectory() as folder:
        # The first requests make partitions and warm both ways up.
        asyncio.run(by_batches(ready, list(workload.requests(2, _BATCH))))
        for turn in range(_TURNS):
            requests = list(workload.requests(events // _BATCH, _BATCH))
            path = Path(folder) / f"{turn}.jsonl"
            path.write_bytes(b"".join(line_of(workload.event()) for _ in range(events)))
            batched += asyncio.run(by_batches(ready, requests))
            imported += by_import(ready, path, events)
    rates = {"import_per_s": _TURNS * events / imported, "batch_per_s": _TURNS * events / batched}
    return {
        "events_per_turn": events,
        **{name: round(rate) for name, rate in rates.items()},
        "ratio": round(rates["import_per_s"] / rates["batch_per_s"], 3),
        "target": 0.5,
    }


def main() -> None:
    """Prints one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="a few seconds")
    parser.add_argument("--events", type=int, default=50_000, help="in each turn, by each way")
    arguments = parser.parse_args()
    print(json.dumps(measure(2_000 if arguments.small else arguments.events), indent=2))


if __name__ == "__main__":
    main()
