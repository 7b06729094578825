"""ReportService: admits and checks the questions that the store answers."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any

import grpc

from shopalytic.v1 import reports_pb2, reports_pb2_grpc
from shopalytic_server.domain.access.personal import without_persons
from shopalytic_server.domain.access.roles import SEE_PERSONS
from shopalytic_server.domain.errors import ShuttingDown
from shopalytic_server.rpc.access.auth import REPORT_SERVICE, Authenticator, Caller
from shopalytic_server.rpc.ports import EventTail, Reports
from shopalytic_server.rpc.validation import check_event_types, check_request, check_steps, check_time_zone

Context = grpc.aio.ServicerContext[Any, Any]


class ReportServicer(reports_pb2_grpc.ReportServiceServicer):
    """Answers with what `reports` finds in the caller's project.

    Calls with one answer are bound below, from the service's descriptor.
    """

    def __init__(
        self, authenticator: Authenticator, reports: Reports, tail: EventTail, drain: asyncio.Event
    ) -> None:
        self._authenticator = authenticator
        self._reports = reports
        self._tail = tail
        self._drain = drain

    async def answer(self, request: Any, context: Context) -> Any:
        """What the store finds; raises InvalidRequest for what no store need be asked."""
        caller = await self._admit(request, context)
        answer = await self._reports.answer(caller.project, request)
        person = caller.key.person
        if person is not None and person.role not in SEE_PERSONS:
            for _ in without_persons(answer):
                await asyncio.sleep(0)
        return answer

    # An answer comes as bytes, made once for all who watch: see AnsweringServer.
    async def TailEvents(  # type: ignore[override]
        self, request: reports_pb2.TailEventsRequest, context: Context
    ) -> AsyncIterator[bytes]:
        """Events as they are stored. The headers are sent once watching has begun."""
        project = (await self._admit(request, context)).project
        async with aclosing(await self._tail.tail_events(project, request)) as answers:
            await context.send_initial_metadata(())
            async with aclosing(_until(self._drain, answers)) as told:
                async for answer in told:
                    yield answer

    async def _admit(self, request: Any, context: Context) -> Caller:
        caller = await self._authenticator.admit(context, REPORT_SERVICE)
        check_request(request)
        fields = request.DESCRIPTOR.fields_by_name
        if "scope" in fields and request.scope.time_zone:
            check_time_zone("scope.time_zone", request.scope.time_zone)
        if "types" in fields:
            check_event_types("types", request.types)
        if "steps" in fields:
            check_steps(request.steps)
        return caller


for _method in reports_pb2.DESCRIPTOR.services_by_name["ReportService"].methods:
    if not _method.server_streaming:
        setattr(ReportServicer, _method.name, ReportServicer.answer)


async def _until(drain: asyncio.Event, answers: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    """The answers; raises ShuttingDown once the server drains and none is there to be told."""
    waiting, task = False, asyncio.current_task()

    async def interrupt() -> None:
        await drain.wait()
        if waiting and task is not None:
            task.cancel()

    interrupting = asyncio.ensure_future(interrupt())
    try:
        while not drain.is_set():
            waiting = True
            try:
                answer = await anext(answers)
            except asyncio.CancelledError:
                # Of the two that may have cancelled this, the drain is answered.
                if not drain.is_set() or task is None:
                    raise
                task.uncancel()
                break
            finally:
                waiting = False
            yield answer
        raise ShuttingDown
    finally:
        interrupting.cancel()
