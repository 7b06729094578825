"""One worker process: a gRPC server on the port that all workers share. Run by workers.py, never by hand.

It reads what it needs as one line of JSON from its standard input, answers
with a line when it is ready, and drains when its input ends: so it ends in
order also when the main process was killed.
"""

import asyncio
import json
import logging
import signal
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from shopalytic_server import logs, memory, tracing
from shopalytic_server.config import TABLE, Settings, parse_path
from shopalytic_server.descriptors import limit, raise_limit, shares
from shopalytic_server.grpc_service import give_back_memory, start_grpc
from shopalytic_server.metrics import ServerMetrics
from shopalytic_server.signals import SIGNALS, Parts, Shutdown, loop_factory

log = logging.getLogger(__name__)

READY = b"ready\n"

# PostgreSQL allows a hundred connections unless told otherwise.
_CONNECTIONS_OF_ALL = 32
_FEWEST_CONNECTIONS = 2


@dataclass(frozen=True, slots=True)
class Orders:
    """What a worker is told at its start."""

    number: int
    workers: int
    database_url: str
    port: int
    inner_port: int | None
    settings: Settings

    def as_line(self) -> bytes:
        """As it is sent to the worker. It holds the database's password, so it travels by a pipe."""
        values = asdict(self)
        values["settings"] = {
            name: str(value) if isinstance(value, Path) else value
            for name, value in values["settings"].items()
        }
        return json.dumps(values).encode() + b"\n"


def read_orders(line: bytes) -> Orders:
    """What `as_line` wrote."""
    values: dict[str, Any] = json.loads(line)
    values["settings"] = Settings(**{name: _typed(name, value) for name, value in values["settings"].items()})
    return Orders(**values)


def _typed(name: str, value: Any) -> Any:
    if value is not None and TABLE[name].parse is parse_path:
        return Path(value)
    return tuple(value) if isinstance(value, list) else value


def connections_each(workers: int) -> int:
    """How many connections one pool of a worker may have."""
    return max(_FEWEST_CONNECTIONS, _CONNECTIONS_OF_ALL // (2 * workers))


async def run(orders: Orders) -> None:
    """Serve until the input ends, then drain."""
    settings = orders.settings
    loop = asyncio.get_running_loop()
    # Its signals are the main process's: where a whole group is told to end,
    # HTTP still needs the workers to finish what it took.
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    shutdown = Shutdown()
    commands = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin.buffer)
    async with Parts(shutdown) as parts:
        give_back_memory(parts)
        metrics = ServerMetrics()
        metrics.listen_as(orders.number, settings, parts)
        await start_grpc(
            settings,
            orders.database_url,
            parts,
            port=orders.port,
            inner_port=orders.inner_port,
            shared_port=True,
            most_connections=shares(limit(), with_http=False).grpc,
            connections=connections_each(orders.workers),
            metrics=metrics,
        )
        sys.stdout.buffer.write(READY)
        sys.stdout.buffer.flush()
        await commands.read()


def main() -> None:
    """The process."""
    orders = read_orders(sys.stdin.buffer.readline())
    logs.set_up(orders.settings.log_level, orders.settings.log_format, worker=orders.number)
    end_tracing = tracing.set_up(orders.settings.otlp_endpoint)
    memory.tune()
    raise_limit()
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        try:
            runner.run(run(orders))
        except OSError as error:
            log.error("This worker cannot serve: %s. [worker_failed]", logs.describe(error))
            sys.exit(1)
        finally:
            end_tracing()


if __name__ == "__main__":
    main()
