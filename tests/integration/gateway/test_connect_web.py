"""The official Connect client for browsers against the gateway, with code generated from the protos."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from grpc_health.v1 import health_pb2

from running.running_service import Service
from shopalytic_server.gateway.access.admission import Admission
from shopalytic_server.gateway.access.rate import AddressLimit
from shopalytic_server.gateway.http.http_server import HttpServer
from shopalytic_server.gateway.options import GatewayOptions
from shopalytic_server.gateway.rpc.connect import ConnectRoute
from shopalytic_server.gateway.services import methods_of
from standins.gateway import KEY, running_gateway

SOURCES = Path(__file__).with_name("connect_web")
pytestmark = pytest.mark.skipif(
    shutil.which("npm") is None and not os.environ.get("CI"), reason="needs Node.js and npm"
)


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the programs, the official packages by their lock, and the generated code."""
    folder = tmp_path_factory.mktemp("connect_web")
    for name in ("package.json", "package-lock.json", ".npmrc", "calls.mjs", "stream.mjs"):
        shutil.copy(SOURCES / name, folder)
    subprocess.run(["npm", "ci", "--silent"], cwd=folder, check=True)
    generate(folder)
    return folder


def generate(folder: Path) -> None:
    """What a team does that has only the published image, and plain protoc."""
    image = FileDescriptorSet.FromString((files("shopalytic") / "shopalytic.v1.binpb").read_bytes())
    health_pb2.DESCRIPTOR.CopyToProto(image.file.add())
    (folder / "image.binpb").write_bytes(image.SerializeToString())
    (folder / "generated").mkdir()
    names = [file.name for file in image.file if not file.name.startswith("google/")]
    plugin = folder / "node_modules" / ".bin" / "protoc-gen-es"
    options = [
        "--descriptor_set_in=image.binpb",
        "--es_out=generated",
        "--es_opt=target=js,import_extension=js",
    ]
    command = [sys.executable, "-m", "grpc_tools.protoc", f"--plugin={plugin}", *options, *names]
    subprocess.run(command, cwd=folder, check=True)


async def run(folder: Path, program: str, *args: str) -> Any:
    process = await asyncio.create_subprocess_exec(
        "node", program, *args, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    printed, complaints = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, complaints.decode()
    return json.loads(printed)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with Service(tmp_path_factory.mktemp("service")) as running:
        yield running


async def test_the_official_client_tracks_and_finds_customers_in_both_codecs(
    programs: Path, service: Service
):
    keys = service.ready["keys"]
    runs = await run(programs, "calls.mjs", service.ready["http_address"], keys["server"], keys["reports"])
    assert len(runs) == 2
    for seen in runs:
        assert seen["statuses"] == ["ACCEPTED", "QUARANTINED"]
        assert "required" in seen["rules"]
        assert seen["identities"] == [seen["asked"]]
        assert seen["watched"] == "page_view"
        assert seen["missing"] == "NotFound"
        assert seen["wrongKey"] == "Unauthenticated"
        assert seen["empty"] == "InvalidArgument"


async def anybody(key: str, service: str) -> None:
    """Lets every key in."""


async def test_the_official_client_reads_streams_and_their_errors_in_both_codecs(programs: Path):
    async with running_gateway() as gateway, grpc.aio.insecure_channel(gateway.grpc_address) as channel:
        for _ in range(2):
            for told in (1, 2, grpc.StatusCode.PERMISSION_DENIED):
                gateway.health.told.put_nowait(told)
        options = GatewayOptions(port=0)
        methods, admission = methods_of([health_pb2.DESCRIPTOR]), Admission(anybody)
        limit = AddressLimit(0, 0)
        route = ConnectRoute(methods, lambda _: channel, options, asyncio.Event(), limit, admission)
        server = HttpServer(route, options)
        port = await server.start()
        try:
            runs = await run(programs, "stream.mjs", f"http://127.0.0.1:{port}", KEY)
        finally:
            await server.stop(5)
    expected = {
        "statuses": ["SERVING", "NOT_SERVING"],
        "error": "PermissionDenied",
        "message": "The watch broke.",
    }
    assert runs == [expected, expected]
