"""What the processes of one service say to the report process, and what it answers.

Both sides are the same program, of the same user: the socket lies in a folder
that nobody else may open. So what is said are Python's own objects.
"""

import pickle
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import Message

from shopalytic_server.domain.projects import Project

SERVICE = "shopalytic.reporter"
ASK = f"/{SERVICE}/Ask"
FORGET = f"/{SERVICE}/Forget"
LOOK = f"/{SERVICE}/Look"

OPTIONS = [
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
    ("grpc.enable_http_proxy", 0),
]


@dataclass(frozen=True, slots=True)
class Question:
    """A question by its name in the registry of reports."""

    name: str
    project: Project
    request: Message
    request_id: str | None


@dataclass(frozen=True, slots=True)
class Reply:
    """What a question found, or why it found nothing."""

    answer: Message | None = None
    error: Exception | None = None


@dataclass(frozen=True, slots=True)
class State:
    """How the report process is doing."""

    memory_bytes: int
    cpu_seconds: float
    asked: int
    """Questions that are answered or wait now."""
    days_missing: int
    """Past days without a file."""
    file_bytes: int


def packed(said: Any) -> bytes:
    """As it is sent."""
    return pickle.dumps(said)


def unpacked(data: bytes) -> Any:
    """What `packed` packed."""
    return pickle.loads(data)  # noqa: S301 - only our own processes reach the socket
