"""What is kept of digests, alerts, incidents and notifications."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

Content = dict[str, Any]
"""A message of the contract as JSON."""


@dataclass(frozen=True, slots=True)
class StoredDigest:
    """A digest as it was set."""

    project_id: int
    name: str
    content: Content
    webhook_secret: str
    next_at: datetime
    sent_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class StoredAlert:
    """An alert as it was set; `version` is another one after each change."""

    project_id: int
    name: str
    content: Content
    webhook_secret: str
    version: UUID


@dataclass(frozen=True, slots=True)
class OpenIncident:
    """What an alert found and is not over."""

    alert: str
    value: str
    number: str
    opened_at: datetime


@dataclass(frozen=True, slots=True)
class NewNotification:
    """What is to be sent to one recipient."""

    project_id: int
    name: str
    recipient: str
    subject: str
    content: Content


@dataclass(frozen=True, slots=True)
class WaitingNotification:
    """The same in the queue."""

    notification_id: UUID
    project_id: int
    name: str
    recipient: str
    subject: str
    content: Content
    created_at: datetime
    attempts: int
