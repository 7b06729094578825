"""CollectorService: takes events and answers after COMMIT."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from datetime import datetime
from typing import Any

import grpc

from shopalytic.v1 import collector_pb2, collector_pb2_grpc
from shopalytic.v1.events_pb2 import Event
from shopalytic_server.domain.errors import PermissionDenied
from shopalytic_server.domain.events.numbering import arrivals
from shopalytic_server.domain.ingest import native
from shopalytic_server.domain.ingest.preparation import Admitted, Prepared, prepare
from shopalytic_server.domain.ingest.verdicts import Verdicts, verdict
from shopalytic_server.domain.privacy.addresses import AddressLevel
from shopalytic_server.domain.privacy.network_places import Locate
from shopalytic_server.domain.projects import KeyClass, Project, first_money
from shopalytic_server.domain.requests import sender
from shopalytic_server.rpc.access.auth import COLLECTOR_SERVICE, Authenticator, Caller
from shopalytic_server.rpc.access.limits import host_of
from shopalytic_server.rpc.ingest.batches import Batch, Turns
from shopalytic_server.rpc.ingest.linking import (
    ALIAS_FIELDS,
    IDENTIFY_FIELDS,
    alias_event,
    identify_event,
    link_of,
)
from shopalytic_server.rpc.ingest.preparing import prepare_batch
from shopalytic_server.rpc.ingest.stream import TrackPipeline
from shopalytic_server.rpc.ports import CurrencySettler, EventWriter, Merges
from shopalytic_server.rpc.validation import check_track, sent_at

Context = grpc.aio.ServicerContext[Any, Any]


class CollectorServicer(collector_pb2_grpc.CollectorServiceServicer):
    """Admits, prepares, submits and answers.

    When the caller gives up or its deadline passes, gRPC cancels the method,
    and with it the future of the writer that it waits for.
    """

    def __init__(
        self,
        authenticator: Authenticator,
        writer: EventWriter,
        merges: Merges,
        drain: asyncio.Event,
        clock: Callable[[], datetime],
        addresses: AddressLevel,
        locate: Locate | None,
        currencies: CurrencySettler,
        turns: Turns,
    ) -> None:
        self._authenticator = authenticator
        self._writer = writer
        self._merges = merges
        self._drain = drain
        self._clock = clock
        self._addresses = addresses
        self._locate = locate
        self._currencies = currencies
        self._turns = turns
        # By project: as its key remembers it, and with the currency that was decided since.
        self._settled: dict[int, tuple[Project, Project]] = {}

    # A batch comes as `read_batch` read it, and an answer is made as bytes where
    # the verdicts are known: see AnsweringServer.
    async def Track(  # type: ignore[override]
        self, request: Batch, context: Context
    ) -> bytes:
        """One batch; answers with a serialized TrackResponse."""
        return (await self.store(request, context)).response()

    async def store(self, batch: Batch, context: Context) -> Verdicts:
        """The verdicts on a batch, after COMMIT. Raises the domain's errors."""
        return await self._writer.submit(await self._prepare_batch(batch, context))

    async def TrackStream(  # type: ignore[override]
        self, request_iterator: AsyncIterator[Batch], context: Context
    ) -> AsyncIterator[bytes]:
        """Batches on one connection, answered as Track does.

        The key is looked at with each: it may be revoked meanwhile.
        """
        await self._authenticator.admit(context, COLLECTOR_SERVICE)

        async def prepare_batch(batch: Batch) -> list[Prepared]:
            return await self._prepare_batch(batch, context)

        pipeline = TrackPipeline(aiter(request_iterator), prepare_batch, self._writer, self._drain)
        async with aclosing(pipeline.answers()) as answers:
            async for answer in answers:
                yield answer

    async def Identify(
        self, request: collector_pb2.IdentifyRequest, context: Context
    ) -> collector_pb2.IdentifyResponse:
        """Links a tracking id to a customer."""
        caller = await self._authenticator.admit(context, COLLECTOR_SERVICE, size=request.ByteSize())
        event = identify_event(request)
        if request.dry_run:
            result = await self._preview(event, caller, sent_at(request))
        else:
            result = await self._store_one(event, caller, sent_at(request), skip_known=True)
        link = link_of(result, IDENTIFY_FIELDS)
        return collector_pb2.IdentifyResponse(
            outcome=link.outcome,
            reason=link.reason,
            customer_id=link.customer_id,
            preview=link.preview if link.HasField("preview") else None,
        )

    async def Alias(
        self, request: collector_pb2.AliasRequest, context: Context
    ) -> collector_pb2.AliasResponse:
        """Gives a customer a further identity."""
        caller = await self._authenticator.admit(context, COLLECTOR_SERVICE, size=request.ByteSize())
        event = alias_event(request)
        if request.dry_run:
            result = await self._preview(event, caller, sent_at(request))
        else:
            result = await self._store_one(event, caller, sent_at(request), skip_known=False)
        link = link_of(result, ALIAS_FIELDS)
        return collector_pb2.AliasResponse(
            outcome=link.outcome,
            customer_id=link.customer_id,
            reason=link.reason,
            preview=link.preview if link.HasField("preview") else None,
        )

    async def _prepare_batch(self, batch: Batch, context: Context) -> list[Prepared]:
        request = batch.request
        caller = await self._authenticator.admit(context, COLLECTOR_SERVICE, len(batch), batch.size)
        sent, received = check_track(request, len(batch)), self._clock()
        project = await self._with_currency(caller.project, batch)
        admitted = Admitted(
            project.currency,
            received,
            sent,
            project=project,
            key_class=caller.key.key_class,
            addresses=self._addresses,
            locate=self._locate,
            key_id=caller.key.key_id,
            sender=sender.get() or host_of(context.peer()),
        )
        prepared = await prepare_batch(batch, admitted, self._turns)
        if caller.key.key_class is KeyClass.BROWSER:
            unused = sum(bool(item.violations) for item in prepared)
            self._authenticator.limits.owe_for_unused(caller.key, context, unused)
        elif request.deliveries:
            prepared[0].arrivals = arrivals(request, caller.project, received)
        return prepared

    async def _with_currency(self, project: Project, batch: Batch) -> Project:
        """The project; if its currency is open and money comes, after that has decided.

        The project that a key brings with it is some seconds old: who asked once
        need not ask for each event of these seconds.
        """
        if not project.currency_open:
            return project
        known, settled = self._settled.get(project.project_id, (None, project))
        if known is project:
            return settled
        if batch.cut is not None:
            if not native.may_have_money(batch.cut):
                return project
            await batch.parse(self._turns)
        if (money := first_money(batch.request.events)) is None:
            return project
        named = getattr(money, str(money.WhichOneof("payload"))).currency
        settled = await self._currencies.settle_currency(
            project.project_id, named if re.fullmatch("[A-Z]{3}", named) else None
        )
        self._settled[project.project_id] = project, settled
        return settled

    async def _preview(
        self, event: Event, caller: Caller, sent: datetime | None
    ) -> collector_pb2.EventResult:
        if caller.key.key_class is KeyClass.BROWSER:
            raise PermissionDenied("A browser key is public, so it may not look ahead; use a server key.")
        prepared = prepare(
            event,
            project=caller.project,
            key_class=caller.key.key_class,
            received_at=self._clock(),
            sent_at=sent,
            addresses=self._addresses,
            locate=self._locate,
        )
        if prepared.violations:
            return verdict(prepared, collector_pb2.EVENT_STATUS_QUARANTINED, prepared.violations)
        return await self._merges.preview(prepared)

    async def _store_one(
        self, event: Event, caller: Caller, sent: datetime | None, *, skip_known: bool
    ) -> collector_pb2.EventResult:
        prepared = prepare(
            event,
            project=caller.project,
            key_class=caller.key.key_class,
            received_at=self._clock(),
            sent_at=sent,
            addresses=self._addresses,
            locate=self._locate,
            key_id=caller.key.key_id,
            skip_known=skip_known,
        )
        [result] = await self._writer.submit([prepared])
        return result
