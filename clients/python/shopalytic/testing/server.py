"""A real Shopalytic on free ports of this machine, for integration tests. Needs shopalytic[server]."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Self

from shopalytic.client import Client
from shopalytic.reports import Reports

_PATIENCE_SECONDS = 60.0


class Server:
    """One `shopalytic serve` with an empty store of its own, as a context manager."""

    def __init__(self, *flags: str) -> None:
        """`flags` are further options of `shopalytic serve`."""
        self._flags = flags
        self._folder = tempfile.TemporaryDirectory(prefix="shopalytic-testing-")
        self._process: subprocess.Popen[bytes] | None = None
        self._ready: dict[str, Any] = {}

    @staticmethod
    def is_installed() -> bool:
        """Whether shopalytic[server] is here."""
        return find_spec("shopalytic_server") is not None and find_spec("starlette") is not None

    def __enter__(self) -> Self:
        folder = Path(self._folder.name)
        ready, log = folder / "ready.json", folder / "server.log"
        command = [sys.executable, "-m", "shopalytic", "serve", "--data-dir", str(folder / "data")]
        command += ["--grpc-port", "0", "--http-port", "0", "--ready-file", str(ready), *self._flags]
        with log.open("wb") as output:
            self._process = subprocess.Popen(command, stdout=output, stderr=output)
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not ready.exists():
            if self._process.poll() is not None or time.monotonic() > deadline:
                text = log.read_text(errors="replace")[-2_000:]
                self._end()
                raise RuntimeError(f"The server did not start:\n{text}")
            time.sleep(0.02)
        self._ready = json.loads(ready.read_text())
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait(_PATIENCE_SECONDS)
        self._folder.cleanup()

    @property
    def target(self) -> str:
        """Where gRPC listens: "127.0.0.1:41234"."""
        return str(self._ready["grpc_address"])

    @property
    def http_address(self) -> str:
        """Where the gateway listens: "http://127.0.0.1:41235"."""
        return str(self._ready["http_address"])

    def key(self, key_class: str) -> str:
        """The project's key of this class: browser, server, reports or admin."""
        return str(self._ready["keys"][key_class])

    def client(self, **settings: Any) -> Client:
        """A strict client of this server, which the caller closes."""
        return Client(self.target, self.key("server"), **{"strict": True, **settings})

    def reports(self) -> Reports:
        """Asks this server for its numbers."""
        return Reports(self.target, self.key("reports"))
