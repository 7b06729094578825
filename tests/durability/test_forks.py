"""A service starts other processes, such as its PostgreSQL, while gRPC is busy in it."""

import subprocess
import sys

FORKS = 40

# Naming a user makes Python fork, as it does for PostgreSQL when root runs the service.
_SERVICE = f"""
import asyncio, os, subprocess
import grpc
from shopalytic_server.cli.service.serve import run
from shopalytic_server.config import Settings

async def answer(data, context):
    await asyncio.sleep(0.001)
    return data

def start_processes():
    return [subprocess.Popen(["true"], user=os.getuid()).wait() for _ in range({FORKS})]

async def call_until(done, call):
    while not done.is_set():
        await call(b"x")

async def serve():
    server, done = grpc.aio.server(), asyncio.Event()
    methods = {{"Echo": grpc.unary_unary_rpc_method_handler(answer)}}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("test", methods),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{{port}}") as channel:
        calls = [call_until(done, channel.unary_unary("/test/Echo")) for _ in range(20)]
        load = asyncio.gather(*calls)
        codes = await asyncio.to_thread(start_processes)
        done.set()
        await load
    await server.stop(0)
    print(codes)

run(Settings(log_level="error"), serve())
"""


def test_processes_that_a_service_starts_are_not_killed_by_grpcs_handlers():
    done = subprocess.run(
        [sys.executable, "-c", _SERVICE], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str([0] * FORKS)
