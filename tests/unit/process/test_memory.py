"""What is freed after a burst goes back to the system."""

import subprocess
import sys

import pytest

BURST = """
import asyncio
from shopalytic_server.process import memory

async def main():
    memory.tune()
    giving = memory.GiveBack()
    await giving.look()
    burst = [bytes(60_000) for _ in range(5_000)]
    kept = burst[::50]
    high = memory.resident_bytes()
    del burst
    await giving.look()
    print(high >> 20, memory.resident_bytes() >> 20)

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems' C libraries keep memory their own way")
def test_freed_memory_between_pieces_in_use_is_given_back() -> None:
    answer = subprocess.run([sys.executable, "-c", BURST], capture_output=True, text=True, check=True)
    high, after = map(int, answer.stdout.split())
    assert after < high - 200
