"""What notifications need of the store and of reports, as small protocols."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol
from uuid import UUID

from google.protobuf.message import Message

from shopalytic.v1 import notifications_pb2
from shopalytic_server.domain.notifications.records import (
    Content,
    NewNotification,
    OpenIncident,
    StoredAlert,
    StoredDigest,
    WaitingNotification,
)
from shopalytic_server.domain.projects import Project


class Reports(Protocol):
    """Answers questions about the shop."""

    async def answer(self, project: Project, request: Message) -> Message:
        """What the call with this request answers; raises InvalidRequest, Unavailable and others."""
        ...


class Projects(Protocol):
    """Finds projects."""

    async def get_project(self, project_id: int) -> Project:
        """Raises NotFound and StoreUnavailable."""
        ...


class NotificationStore(Protocol):
    """Keeps digests, alerts and the queue. Everything may raise StoreUnavailable."""

    def alone(self) -> AbstractAsyncContextManager[bool]:
        """Whether this server is the one of all that sends at present."""
        ...

    async def list_digests(self, project_id: int) -> list[StoredDigest]:
        """By name."""
        ...

    async def find_digest(self, project_id: int, name: str) -> StoredDigest:
        """Raises NotFound."""
        ...

    async def set_digest(
        self, project_id: int, name: str, content: Content, next_at: datetime
    ) -> StoredDigest:
        """Makes it, with a secret, or changes it; raises InvalidRequest when there are too many."""
        ...

    async def delete_digest(self, project_id: int, name: str) -> None:
        """Raises NotFound."""
        ...

    async def due_digests(self, now: datetime) -> list[StoredDigest]:
        """Of all projects, longest due first."""
        ...

    async def pass_digest(
        self, digest: StoredDigest, next_at: datetime, sent_at: datetime, letters: Sequence[NewNotification]
    ) -> bool:
        """Queues the letters of a digest that was due, at one stroke; False if another server was first."""
        ...

    async def list_alerts(self, project_id: int) -> list[StoredAlert]:
        """By name."""
        ...

    async def set_alert(self, project_id: int, name: str, content: Content, now: datetime) -> StoredAlert:
        """Makes it, with a secret, or changes it and ends its incidents; raises InvalidRequest."""
        ...

    async def delete_alert(self, project_id: int, name: str) -> None:
        """Raises NotFound."""
        ...

    async def due_alerts(self, now: datetime) -> list[StoredAlert]:
        """Of all projects, longest due first."""
        ...

    async def pass_alert(
        self,
        alert: StoredAlert,
        judge_at: datetime,
        found: Sequence[OpenIncident] | None,
        letters: Mapping[str, Sequence[NewNotification]],
    ) -> None:
        """Says what an alert found, at one stroke: incidents that are new are queued, others not again.

        Incidents that are not found any more are over. `letters` has those of each value. None: the alert was
        not judged, and its incidents stay.
        """
        ...

    async def open_incidents(self, project_id: int) -> list[OpenIncident]:
        """Oldest first."""
        ...

    async def queue(self, letters: Sequence[NewNotification], now: datetime) -> None:
        """Puts them into the queue."""
        ...

    async def waiting(self, now: datetime, limit: int) -> list[WaitingNotification]:
        """What is to be tried, longest due first."""
        ...

    async def passed(
        self, notification_id: UUID, *, sent: bool, failure: str, next_at: datetime | None
    ) -> None:
        """Writes down one attempt; without `next_at` it was the last one."""
        ...

    async def list_notifications(
        self, project: Project, request: notifications_pb2.ListNotificationsRequest
    ) -> notifications_pb2.ListNotificationsResponse:
        """A page, newest first; raises InvalidRequest."""
        ...

    async def remove_old(self, before: datetime) -> None:
        """Forgets what was made before and is done with."""
        ...

    async def quarantined(self, project: Project, begin: datetime, end: datetime) -> int:
        """How many events of the real data went to quarantine in a range."""
        ...
