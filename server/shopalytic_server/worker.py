"""One worker process: a gRPC server on the port that all workers share. Run by workers.py, never by hand."""

import asyncio
import logging
import sys
from dataclasses import dataclass

from shopalytic_server import children
from shopalytic_server.children import parent_ends, take_orders
from shopalytic_server.grpc_service import ask_reporter, give_back_memory, start_grpc
from shopalytic_server.process import logs, memory, tracing
from shopalytic_server.process.descriptors import limit, raise_limit, shares
from shopalytic_server.process.metrics import ServerMetrics
from shopalytic_server.process.signals import Parts, Shutdown, loop_factory

log = logging.getLogger(__name__)

# PostgreSQL allows a hundred connections unless told otherwise.
_CONNECTIONS_OF_ALL = 32
_FEWEST_CONNECTIONS = 2


@dataclass(frozen=True, slots=True)
class Orders(children.Orders):
    """What a worker is told at its start."""

    number: int
    workers: int
    database_url: str
    reporter: str
    port: int
    inner_port: int | None


def connections_each(workers: int) -> int:
    """How many connections one pool of a worker may have."""
    return max(_FEWEST_CONNECTIONS, _CONNECTIONS_OF_ALL // (2 * workers))


async def run(orders: Orders) -> None:
    """Serve until the input ends, then drain."""
    settings = orders.settings
    async with Parts(Shutdown()) as parts:
        give_back_memory(parts)
        metrics = ServerMetrics()
        metrics.listen_as(orders.number, settings, parts)
        await start_grpc(
            settings,
            orders.database_url,
            parts,
            reports=ask_reporter(orders.reporter, metrics if orders.number == 1 else None, parts),
            port=orders.port,
            inner_port=orders.inner_port,
            shared_port=True,
            most_connections=shares(limit(), with_http=False).grpc,
            connections=connections_each(orders.workers),
            metrics=metrics,
        )
        await parent_ends()


def main() -> None:
    """The process."""
    orders = take_orders(Orders)
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
