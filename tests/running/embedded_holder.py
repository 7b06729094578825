"""A process of its own that serves an embedded PostgreSQL, to be killed."""

import os
import subprocess
import sys
from pathlib import Path

# Starts a server in a process of its own, says where it is, and waits to be ended.
HOLDER = """
import sys
from shopalytic_server.embedded import EmbeddedPostgres

server = EmbeddedPostgres(sys.argv[1])
print(server.start(), flush=True)
sys.stdin.read()
server.stop()
"""


class Holder:
    """Another process that serves from the data directory."""

    def __init__(self, data_dir: Path, **environment: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(data_dir)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **environment},
        )
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip()
        assert self.url

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()
