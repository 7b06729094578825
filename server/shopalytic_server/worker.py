"""One worker process: a gRPC server on the port that all workers share. Run by workers.py, never by hand."""

import asyncio
import logging
import sys
from dataclasses import dataclass

from shopalytic_server import children
from shopalytic_server.children import parent_ends, read_config
from shopalytic_server.grpc_service import ask_reporter, give_back_memory, start_grpc
from shopalytic_server.process import logs, memory, tracing
from shopalytic_server.process.descriptors import limit, raise_limit, shares
from shopalytic_server.process.metrics import ServerMetrics
from shopalytic_server.process.signals import Lifecycle, Shutdown, loop_factory

log = logging.getLogger(__name__)

# PostgreSQL allows a hundred connections unless told otherwise.
_CONNECTIONS_OF_ALL = 32
_FEWEST_CONNECTIONS = 2


@dataclass(frozen=True, slots=True)
class WorkerConfig(children.ChildConfig):
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


async def run(config: WorkerConfig) -> None:
    """Serve until the input ends, then drain."""
    settings = config.settings
    async with Lifecycle(Shutdown(), settings.drain_timeout, step_seconds=children.STEP_SECONDS) as lifecycle:
        give_back_memory(lifecycle)
        metrics = ServerMetrics()
        metrics.listen_as(config.number, settings, lifecycle)
        await start_grpc(
            settings,
            config.database_url,
            lifecycle,
            reports=ask_reporter(config.reporter, metrics if config.number == 1 else None, lifecycle),
            port=config.port,
            inner_port=config.inner_port,
            shared_port=True,
            most_connections=shares(limit(), with_http=False).grpc,
            connections=connections_each(config.workers),
            metrics=metrics,
        )
        await parent_ends(settings.drain_timeout)


def main() -> None:
    """The process."""
    config = read_config(WorkerConfig)
    logs.set_up(config.settings.log_level, config.settings.log_format, worker=config.number)
    end_tracing = tracing.set_up(config.settings.otlp_endpoint)
    memory.tune()
    raise_limit()
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        try:
            runner.run(run(config))
        except OSError as error:
            log.error("This worker cannot serve: %s. [worker_failed]", logs.describe(error))
            sys.exit(1)
        finally:
            end_tracing()


if __name__ == "__main__":
    main()
