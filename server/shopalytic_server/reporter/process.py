"""The report process: it answers what is asked of facts, and makes their files. The keeper starts it."""

import asyncio
import contextlib
import logging
import os
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import grpc

from shopalytic_server.children import STEP_SECONDS, parent_ends, read_config
from shopalytic_server.config import Settings
from shopalytic_server.domain.errors import ShopalyticError
from shopalytic_server.domain.requests import request_id
from shopalytic_server.grpc_service import give_back_memory, reading_pool, store_pool
from shopalytic_server.process import logs, memory
from shopalytic_server.process.descriptors import raise_limit
from shopalytic_server.process.signals import Lifecycle, Shutdown, loop_factory
from shopalytic_server.reporter import wire
from shopalytic_server.reporter.keeper import ReporterConfig
from shopalytic_server.storage.database.connections import Pool
from shopalytic_server.storage.facts.builder import Builder
from shopalytic_server.storage.facts.engine import Engine
from shopalytic_server.storage.facts.facts import FactStore
from shopalytic_server.storage.facts.files import FactFiles
from shopalytic_server.storage.reports.answering import FactReports

log = logging.getLogger(__name__)

Context = grpc.aio.ServicerContext[Any, Any]

# Those of questions, and of what makes files.
_CONNECTIONS = 4
# Ingest goes first where there is too little of the processor for both.
_NICE = 5
# Where memory is short, the system ends this process rather than one that ingests.
_OOM_SCORE = "500"


class Reporter:
    """Answers what the other processes of the service ask."""

    def __init__(self, reports: FactReports, facts: FactStore, builder: Builder | None) -> None:
        self._reports = reports
        self._facts = facts
        self._builder = builder
        self._server = grpc.aio.server(options=wire.OPTIONS)
        methods: dict[str, Any] = {wire.ASK: self._ask, wire.FORGET: self._forget, wire.LOOK: self._look}
        handlers = {
            path.rpartition("/")[2]: grpc.unary_unary_rpc_method_handler(
                method, request_deserializer=wire.unpacked, response_serializer=wire.packed
            )
            for path, method in methods.items()
        }
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(wire.SERVICE, handlers),))
        self._asked = 0

    async def start(self, place: str) -> None:
        """Begins to listen."""
        self._server.add_insecure_port(f"unix:{place}")
        await self._server.start()

    async def stop(self, grace: float) -> None:
        """Lets questions in flight finish."""
        await self._server.stop(grace)

    async def _ask(self, question: wire.Question, _: Context) -> wire.Reply:
        """Whoever goes away cancels this call, and with it the statements that run."""
        request_id.set(question.request_id)
        self._asked += 1
        try:
            answer = await self._reports.ask(question.name, question.project, question.request)
        except ShopalyticError as error:
            return wire.Reply(error=error)
        except Exception as error:
            log.exception("A report failed.", extra={"word": "fault"})
            return wire.Reply(error=RuntimeError(f"a report failed: {type(error).__name__}"))
        finally:
            self._asked -= 1
        return wire.Reply(answer)

    async def _forget(self, _: None, __: Context) -> None:
        """Files were removed, since people were erased: nothing of them stays in memory."""
        await self._facts.engine.renew()

    async def _look(self, _: None, __: Context) -> wire.State:
        builder = self._builder
        return wire.State(
            memory_bytes=memory.resident_bytes(),
            cpu_seconds=time.process_time(),
            asked=self._asked,
            days_missing=builder.days_missing if builder else 0,
            file_bytes=builder.size if builder else 0,
        )


async def run(config: ReporterConfig) -> None:
    """Answer until the input ends, then drain."""
    settings = config.settings
    async with Lifecycle(Shutdown(), settings.drain_timeout, step_seconds=STEP_SECONDS) as lifecycle:
        give_back_memory(lifecycle)
        pool = await store_pool(config.database_url, lifecycle, _CONNECTIONS)
        reports_pool = await reading_pool(settings, config.database_url, lifecycle, _CONNECTIONS)
        facts, builder = _facts(settings, pool, reports_pool)
        if builder is not None:
            builder.start()
            lifecycle.ends_in_order(builder.stop)
        reporter = Reporter(FactReports(reports_pool, pool, facts=facts), facts, builder)
        await reporter.start(config.place)
        lifecycle.drains(reporter.stop)
        await parent_ends(settings.drain_timeout)


def _facts(settings: Settings, pool: Pool, reports_pool: Pool) -> tuple[FactStore, Builder | None]:
    """Where reports get their facts, and what makes files of them."""
    threads, megabytes = settings.reports_threads, settings.reports_memory_mb
    folder = settings.facts_folder
    try:
        files = FactFiles(folder) if settings.facts_disk_mb or folder.exists() else None
        if files is not None and not settings.facts_disk_mb:
            files.remove_all()
            files = None
    except OSError as error:
        log.warning("Reports have no files in %s: %s. [facts_failed]", folder, error.strerror)
        files = None
    if files is None:
        return FactStore(Engine(threads=threads, memory_mb=megabytes)), None
    facts = FactStore(Engine(threads=threads, memory_mb=megabytes, folder=files.folder), files)
    return facts, Builder(facts, pool, reports_pool, disk_mb=settings.facts_disk_mb)


def _step_back() -> None:
    """Makes room for processes that ingest."""
    with contextlib.suppress(OSError):
        os.nice(_NICE)
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(_OOM_SCORE)


def main() -> None:
    """The process."""
    config = read_config(ReporterConfig)
    logs.set_up(config.settings.log_level, config.settings.log_format)
    _step_back()
    raise_limit()
    parent = os.getppid()
    try:
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            runner.run(run(config))
    except OSError as error:
        log.error("Reports cannot be answered: %s. [reporter_failed]", logs.describe(error))
        sys.exit(1)
    finally:
        if os.getppid() != parent:
            shutil.rmtree(Path(config.place).parent, ignore_errors=True)


if __name__ == "__main__":
    main()
