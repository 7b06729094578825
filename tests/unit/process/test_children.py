"""A child process whose parent is gone: it ends, also where its own end never comes."""

import subprocess
import sys

CHILD = """
import asyncio
from shopalytic_server import children

children._END_SECONDS = {seconds}

async def run():
    await children.parent_ends(0)
    {then}

asyncio.run(run())
"""


def end_of_child(then: str, seconds: float) -> int:
    """The exit code of a child that has so long for its end, and whose parent is gone once it is ready."""
    command = [sys.executable, "-c", CHILD.format(then=then, seconds=seconds)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout.readline() == b"ready\n"
        child.stdin.close()
        return child.wait(60)


def test_a_child_ends_in_order_when_its_parent_is_gone():
    assert end_of_child("return", 60) == 0


def test_a_child_that_hangs_at_its_end_is_cut_off():
    assert end_of_child("await asyncio.Event().wait()", 0.01) == 1
