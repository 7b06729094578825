"""Passwords are compared behind all other work, and nobody is looked up who cannot be served."""

import asyncio
import os
import sys
import threading
from typing import Any

import pytest
from google.protobuf.struct_pb2 import Struct

from shopalytic_server.domain.errors import Overloaded
from shopalytic_server.rpc.people.passwords import Passwords
from shopalytic_server.rpc.people.sign_in import SignIn


class NobodyIsAsked:
    """Stands for the store, and fails when it is asked."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name} was asked")


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone has a priority for each thread")
async def test_whoever_compares_passwords_lets_all_others_go_first() -> None:
    passwords = Passwords()
    own = os.getpriority(os.PRIO_PROCESS, 0)
    try:
        theirs = await passwords._beside(lambda: os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
    finally:
        passwords.close()
    assert theirs > own
    assert os.getpriority(os.PRIO_PROCESS, 0) == own


@pytest.mark.parametrize("given", [{"email": "a@b.example", "password": "p"}, {"link": "l", "password": "p"}])
async def test_as_many_wait_as_may_and_more_are_refused_before_anybody_is_looked_up(
    given: dict[str, str],
) -> None:
    passwords = Passwords(at_once=1, most_waiting=2)
    go = threading.Event()
    people: Any = NobodyIsAsked()
    unused: Any = None
    sign_in = SignIn(people, passwords, unused, unused)
    request = Struct()
    request.update(given)
    context: Any = None
    waiting = [asyncio.ensure_future(passwords._beside(go.wait)) for _ in range(3)]
    await asyncio.sleep(0)
    try:
        with pytest.raises(Overloaded):
            await (sign_in.choose_password if "link" in given else sign_in.sign_in)(request, context)
    finally:
        go.set()
        await asyncio.gather(*waiting)
        passwords.close()
