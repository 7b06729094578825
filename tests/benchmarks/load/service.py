"""Starts what is measured: the real service, and a gRPC server whose Track does nothing."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc

_READY_SECONDS = 60


@contextmanager
def running_service(*options: str) -> Iterator[dict[str, Any]]:
    """`shopalytic serve` on a fresh directory; yields what its ready file says, and its pid."""
    with tempfile.TemporaryDirectory() as folder:
        ready = Path(folder, "ready.json")
        command = [
            *(sys.executable, "-m", "shopalytic", "serve", "--data-dir", f"{folder}/data"),
            *("--grpc-port", "0", "--http-port", "0", "--ready-file", str(ready)),
            # All load comes from one address, and much of it with one key.
            *("--address-rate", "0", "--browser-key-rate", "0", *options),
        ]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        try:
            deadline = time.monotonic() + _READY_SECONDS
            while not ready.exists():
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError("the service did not become ready; its own message is above")
                time.sleep(0.05)
            yield {**json.loads(ready.read_text()), "pid": process.pid}
        finally:
            process.terminate()
            process.wait(timeout=60)


@contextmanager
def empty_service() -> Iterator[str]:
    """A grpc.aio server in its own process, whose Track answers at once; yields its address."""
    command = [sys.executable, str(Path(__file__).with_name("empty_server.py"))]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait(timeout=10)


def track_bytes(channel: grpc.aio.Channel) -> Any:
    """Track as a call that takes serialized requests: the client's encoding is not what is measured."""
    return channel.unary_unary("/shopalytic.v1.CollectorService/Track")
