"""Processes of this service's own: each is told its orders, says when it is ready, and is revived.

A child reads its orders as one line of JSON from its standard input, answers
with a line when it is ready, and drains when its input ends: so it ends in
order also when this process was killed. A child that cannot end in order then
ends by itself, for nobody is left to kill it.
"""

import asyncio
import contextlib
import json
import logging
import os
import select
import signal
import sys
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

from shopalytic_server.background.cancelling import end
from shopalytic_server.config import TABLE, Settings, parse_path
from shopalytic_server.process.signals import SIGNALS

log = logging.getLogger(__name__)

READY = b"ready\n"

# A child that keeps dying soon after its start is given longer and longer pauses.
_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 10.0
_STEADY_SECONDS = 30.0
# Beyond the drain, for what ends after it: the last transaction, connections.
_END_SECONDS = 20.0
STEP_SECONDS = 8.0
"""How long a part of a child may take for its end, so that the child tells of it before it is killed."""


class ChildFailed(OSError):
    """A child ended before it was ready; what it said of it is in the log."""


@dataclass(frozen=True, slots=True)
class ChildConfig:
    """What a child is told at its start."""

    settings: Settings

    def as_line(self) -> bytes:
        """As it is sent. It may hold the database's password, so it travels by a pipe."""
        values = asdict(self)
        values["settings"] = {
            name: str(value) if isinstance(value, Path) else value
            for name, value in values["settings"].items()
        }
        return json.dumps(values).encode() + b"\n"


Config = TypeVar("Config", bound=ChildConfig)


def read_config(kind: type[Config]) -> Config:
    """What `as_line` wrote, from the input of this child. Signals are its parent's matter from here on.

    Where a whole group is told to end, others still need it to finish what it took.
    """
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    values: dict[str, Any] = json.loads(sys.stdin.buffer.readline())
    values["settings"] = Settings(**{name: _typed(name, value) for name, value in values["settings"].items()})
    # What was killed while its child was being started wants nothing done any more.
    if select.select([sys.stdin], [], [], 0)[0]:
        sys.exit(0)
    return kind(**values)


def _typed(name: str, value: Any) -> Any:
    if value is not None and TABLE[name].parse is parse_path:
        return Path(value)
    return tuple(value) if isinstance(value, list) else value


async def parent_ends(grace: float) -> None:
    """Says that this child is ready, and waits until its input ends.

    The process then has `grace` seconds and some for its end, after which it is cut off. Its parent
    kills it earlier, if the parent still runs.
    """
    commands = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(commands), sys.stdin.buffer
    )
    sys.stdout.buffer.write(READY)
    sys.stdout.buffer.flush()
    await commands.read()
    end = threading.Timer(grace + 1.5 * _END_SECONDS, os._exit, (1,))
    end.daemon = True
    end.start()


class Child:
    """One child process: the module that it runs, and its orders."""

    def __init__(self, module: str, config: ChildConfig, *, name: str, word: str) -> None:
        """`name` begins a sentence of the log; `word` begins the machine words."""
        self._module = module
        self._config = config
        self._name = name
        self._word = word
        self._process: asyncio.subprocess.Process | None = None
        self._watching: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Starts it, and returns when it is ready; raises ChildFailed."""
        await self.begin()
        await self.ready()

    async def begin(self) -> None:
        """Starts it, and waits for nothing."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", self._module),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            # Ctrl-C in a terminal is for the main process, which then tells its children.
            start_new_session=True,
        )
        self._process = process
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("a child has no pipes")
        with contextlib.suppress(ConnectionError):
            process.stdin.write(self._config.as_line())
            await process.stdin.drain()

    async def ready(self) -> None:
        """Returns when it is ready; raises ChildFailed."""
        process = self._process
        assert process is not None  # noqa: S101 - it was started
        assert process.stdout is not None  # noqa: S101 - it has pipes
        if await process.stdout.readline() != READY:
            await self._ended(0)
            raise ChildFailed(None, f"{self._name} ended before it was ready; its own message is above")
        log.info("%s serves, as process %d. [%s_ready]", self._name, process.pid, self._word)

    def watch(self, *, is_ready: bool = True) -> None:
        """Starts it again whenever it ends, until `stop`."""
        self._watching = asyncio.create_task(self._watch(is_ready), name=f"shopalytic-{self._word}")

    async def stop(self, grace: float) -> None:
        """Lets it finish what it has; if it takes longer than `grace` seconds and some, it is killed."""
        if self._watching is not None:
            await end(self._watching)
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
        await self._ended(grace)

    def kill(self) -> None:
        """Ends it at once, if it still runs."""
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    async def _watch(self, is_ready: bool) -> None:
        loop = asyncio.get_running_loop()
        pause = _FIRST_PAUSE_SECONDS
        if not is_ready:
            with contextlib.suppress(ChildFailed):
                await self.ready()
        while True:
            started = loop.time()
            assert self._process is not None  # noqa: S101 - it was started
            code = await self._process.wait()
            if loop.time() - started > _STEADY_SECONDS:
                pause = _FIRST_PAUSE_SECONDS
            log.error("%s ended (%s); starting it again. [%s_died]", self._name, _how(code), self._word)
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
            with contextlib.suppress(ChildFailed):
                await self.start()

    async def _ended(self, grace: float) -> None:
        """Waits for it to end; kills it when it takes too long."""
        if self._process is None:
            return
        try:
            async with asyncio.timeout(grace + _END_SECONDS):
                await self._process.wait()
        except TimeoutError:
            log.error("%s did not end in time and was killed. [%s_killed]", self._name, self._word)
            self.kill()
            await self._process.wait()


def _how(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"
