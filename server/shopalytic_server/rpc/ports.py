"""What the calls need from the store, as small protocols; the store's own modules fulfil them."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from google.protobuf.message import Message

from shopalytic.v1 import admin_pb2, collector_pb2, reports_pb2
from shopalytic_server.domain.ingest.preparation import Prepared
from shopalytic_server.domain.ingest.verdicts import Verdicts
from shopalytic_server.domain.projects import DeniedConsent, IssuedKey, Key, KeyClass, Project


class EventWriter(Protocol):
    """Stores events in groups."""

    def submit(self, items: list[Prepared]) -> "asyncio.Future[Verdicts]":
        """Queues events; the future has their verdicts, in order, after COMMIT.

        Raises Overloaded at once when the queue is full; the future fails with
        StoreUnavailable. A future that is cancelled before its commit began is
        skipped.
        """
        ...


class Reports(Protocol):
    """Answers questions about customers and the shop."""

    async def answer(self, project: Project, request: Message) -> Message:
        """What the call with this request answers.

        Raises InvalidRequest, NotFound, Overloaded, Unavailable and StoreUnavailable.
        """
        ...


class Notifications(Protocol):
    """Answers the calls of NotificationService."""

    async def answer(self, project: Project, request: Message) -> Message:
        """What the call with this request answers; raises InvalidRequest, NotFound and Unavailable."""
        ...


class EventTail(Protocol):
    """Tells of events as they are stored."""

    async def tail_events(
        self, project: Project, request: reports_pb2.TailEventsRequest
    ) -> AsyncGenerator[bytes, None]:
        """Begins to watch, then returns what there is to tell, without an end; raises NotFound.

        As serialized TailEventsResponses: the same events are told to many.
        """
        ...


class Quarantine(Protocol):
    """Shows the events that were not accepted."""

    async def list_quarantine(
        self, project: Project, request: admin_pb2.ListQuarantineRequest
    ) -> admin_pb2.ListQuarantineResponse:
        """A page of them; raises InvalidRequest."""
        ...

    async def get_quarantined_event(
        self, project: Project, request: admin_pb2.GetQuarantinedEventRequest
    ) -> admin_pb2.GetQuarantinedEventResponse:
        """One of them; raises NotFound."""
        ...


class Repairs(Protocol):
    """Replays quarantine. Everything may raise StoreUnavailable."""

    async def replay_quarantine(
        self, project: Project, request: admin_pb2.ReplayQuarantineRequest
    ) -> admin_pb2.ReplayQuarantineResponse:
        """Judges events again, after a repair if one is given; raises InvalidRequest."""
        ...


class Merges(Protocol):
    """Keeps the journal of merges. Everything may raise StoreUnavailable."""

    async def list_merges(
        self, project: Project, request: admin_pb2.ListMergesRequest
    ) -> admin_pb2.ListMergesResponse:
        """A page of it; raises InvalidRequest and NotFound."""
        ...

    async def undo_merge(
        self, project: Project, key_id: UUID, request: admin_pb2.UndoMergeRequest
    ) -> admin_pb2.UndoMergeResponse:
        """Takes a merge back; raises NotFound."""
        ...

    async def preview(self, item: Prepared) -> collector_pb2.EventResult:
        """The verdict that an identify or alias without violations would get now."""
        ...


class Erasures(Protocol):
    """Erases people. Everything may raise StoreUnavailable."""

    async def erase_customer(
        self, project: Project, request: admin_pb2.EraseCustomerRequest
    ) -> admin_pb2.EraseCustomerResponse:
        """Erases one person and gives a receipt; raises NotFound."""
        ...


class Exports(Protocol):
    """Exports people. Everything may raise StoreUnavailable."""

    def export_customer(
        self, project: Project, request: admin_pb2.ExportCustomerRequest
    ) -> AsyncGenerator[admin_pb2.ExportCustomerResponse, None]:
        """All that is held of one person; raises NotFound."""
        ...


@dataclass(frozen=True, slots=True)
class DataStores:
    """The stores behind the calls that care for data."""

    merges: Merges
    erasures: Erasures
    exports: Exports
    repairs: Repairs


class KeyFinder(Protocol):
    """Looks keys up."""

    async def find_key(self, secret_hash: bytes) -> tuple[Key, Project] | None:
        """The valid key with this secret, and its project; None if there is none or it has ended."""
        ...

    async def record_key_use(self, uses: Mapping[UUID, datetime]) -> None:
        """Remembers when keys were used."""
        ...


class CurrencySettler(Protocol):
    """Lets the first money that arrives decide which currency a project has."""

    async def settle_currency(self, project_id: int, named: str | None) -> Project:
        """The project as it is then; `named` is what that money names. Raises NotFound, StoreUnavailable."""
        ...


class ProjectStore(KeyFinder, CurrencySettler, Protocol):
    """Keeps projects and keys. Everything may raise StoreUnavailable."""

    async def create_project(
        self, name: str, currency: str | None, time_zone: str
    ) -> tuple[Project, list[IssuedKey]]:
        """Makes a project and one key of each class; raises AlreadyExists when the name is taken."""
        ...

    async def update_project(
        self,
        project_id: int,
        *,
        time_zone: str | None,
        currency: str | None,
        browser_event_types: Sequence[str] | None,
        browser_event_types_as_default: bool,
        allowed_origins: Sequence[str] | None,
        own_user_agents: Sequence[str] | None,
        order_number_groups: Sequence[Sequence[str]] | None,
        respect_privacy_signals: bool | None,
        signed_identify: bool | None,
        denied_consent: DeniedConsent | None,
        retention: Mapping[str, int | None],
        retention_as_default: Sequence[str],
    ) -> Project:
        """Changes what is given; raises NotFound."""
        ...

    async def rotate_identity_secret(self, project_id: int, *, end_previous: bool) -> str:
        """A new secret that identities are signed with; raises NotFound."""
        ...

    async def get_project(self, project_id: int) -> Project:
        """Raises NotFound."""
        ...

    async def create_key(
        self, project_id: int, key_class: KeyClass, label: str, expires_at: datetime | None
    ) -> IssuedKey:
        """Makes a key; its secret is in the answer and nowhere else."""
        ...

    async def rotate_key(self, project_id: int, key_id: UUID, overlap: timedelta) -> tuple[IssuedKey, Key]:
        """A new key in another's place, and the old one, which ends after `overlap`; raises NotFound."""
        ...

    async def list_keys(self, project_id: int) -> list[Key]:
        """All keys of a project, revoked ones too, oldest first."""
        ...

    async def revoke_key(self, project_id: int, key_id: UUID) -> Key:
        """Ends a key for good; raises NotFound when it is not one of this project's."""
        ...
