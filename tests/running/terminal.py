"""A shell in a folder that looks like the repository, for snippets of README and docs, as they stand."""

import json
import os
import re
import signal
import stat
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
README = REPOSITORY / "README.md"
DOCS = REPOSITORY / "docs"
PAGES = [README, *sorted(DOCS.rglob("*.md"))]

# Stand-ins for two programs that need not be on this machine. Both do the real work:
# the first by the server's reflection, the second with the same compiler.
GRPCURL = """
import json, sys
import grpc
from google.protobuf import descriptor_pool, json_format, message_factory
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

plaintext, _, header, _, body, address, path = sys.argv[1:]
assert plaintext == "-plaintext"
channel = grpc.insecure_channel(address)
pool = descriptor_pool.DescriptorPool(ProtoReflectionDescriptorDatabase(channel))
service, _, name = path.rpartition("/")
method = pool.FindServiceByName(service).FindMethodByName(name)
request = json_format.Parse(body, message_factory.GetMessageClass(method.input_type)())
call = channel.unary_unary(
    f"/{path}",
    request_serializer=lambda message: message.SerializeToString(),
    response_deserializer=message_factory.GetMessageClass(method.output_type).FromString,
)
key, _, value = header.partition(": ")
print(json_format.MessageToJson(call(request, metadata=[(key, value)], timeout=120)))
"""
PROTOC = """
import sys
from grpc_tools import protoc
sys.exit(protoc.main([argument.replace("--java_out", "--python_out") for argument in sys.argv]))
"""


@dataclass
class Terminal:
    """A shell in a folder that looks like the repository, beside a running service."""

    folder: Path
    ready: dict[str, str]

    def type(self, commands: str) -> str:
        """Runs commands to their end; what they print."""
        commands = commands.replace("127.0.0.1:50051", self.ready["grpc_address"])
        commands = commands.replace("http://127.0.0.1:8080", self.ready["http_address"])
        environment = {
            "PATH": f"{self.folder / 'programs'}:{os.environ['PATH']}",
            "HOME": str(self.folder),
            "SHOPALYTIC_DATA_DIR": str(self.folder / "data"),
            "SHOPALYTIC_TARGET": self.ready["grpc_address"],
        }
        done = subprocess.run(
            ["bash", "-euc", commands],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@contextmanager
def terminal_in(folder: Path) -> Iterator[Terminal]:
    """Beside a service that was started as the README says."""
    (folder / ".venv").symlink_to(sys.prefix)
    (folder / "clients").symlink_to(REPOSITORY / "clients")
    (folder / "first_events.py").write_text(snippet("first_events.py"))
    (folder / "programs").mkdir()
    _write_program(folder / "programs" / "grpcurl", GRPCURL)
    _write_program(folder / "programs" / "protoc", PROTOC)
    ready_file = folder / "ready.json"
    command = [f"{folder}/.venv/bin/shopalytic", "serve", "--data-dir", f"{folder}/data"]
    command += ["--grpc-port", "0", "--http-port", "0", "--ready-file", str(ready_file)]
    with (folder / "serve.log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        yield Terminal(folder, _wait_ready(process, ready_file, folder / "serve.log"))
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


def _wait_ready(process: subprocess.Popen[bytes], ready_file: Path, log: Path) -> dict[str, str]:
    deadline = time.monotonic() + 60
    while not ready_file.exists():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.05)
    content: dict[str, str] = json.loads(ready_file.read_text())
    return content


def _write_program(path: Path, script: str) -> None:
    path.write_text(f"#!{sys.executable}\n{textwrap.dedent(script).lstrip()}")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def snippet(name: str) -> str:
    """The code block below its mark in the README or a page of docs."""
    mark = rf"<!-- test: {re.escape(name)} -->\n```\w+\n(.*?)```"
    found = [match[1] for page in PAGES for match in re.finditer(mark, page.read_text(), re.DOTALL)]
    assert len(found) == 1, f"snippet {name} stands in {len(found)} places"
    return found[0]
