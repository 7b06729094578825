"""`Client` and `AsyncClient` send a shop's events, `Reports` asks for its numbers.

The messages are in `shopalytic.v1`.
The names below are loaded when first used, so that importing a message or a
rule does not load gRPC.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from shopalytic.aio import AsyncClient
    from shopalytic.client import Client
    from shopalytic.current import configure, identify, track
    from shopalytic.errors import (
        ClientClosed,
        DeliveryError,
        InvalidEvent,
        LossReason,
        QueueFull,
        ShopalyticError,
    )
    from shopalytic.events.violations import Violation
    from shopalytic.reports import Reports
    from shopalytic.results import CloseResult, FlushResult, Result, Stats, Status
    from shopalytic.signing import sign_identity, sign_identity_now

_MODULES = {
    "AsyncClient": "aio",
    "Client": "client",
    "ClientClosed": "errors",
    "CloseResult": "results",
    "DeliveryError": "errors",
    "FlushResult": "results",
    "InvalidEvent": "errors",
    "LossReason": "errors",
    "QueueFull": "errors",
    "Reports": "reports",
    "Result": "results",
    "ShopalyticError": "errors",
    "Stats": "results",
    "Status": "results",
    "Violation": "events.violations",
    "configure": "current",
    "identify": "current",
    "sign_identity": "signing",
    "sign_identity_now": "signing",
    "track": "current",
}

__all__ = [
    "AsyncClient",
    "Client",
    "ClientClosed",
    "CloseResult",
    "DeliveryError",
    "FlushResult",
    "InvalidEvent",
    "LossReason",
    "QueueFull",
    "Reports",
    "Result",
    "ShopalyticError",
    "Stats",
    "Status",
    "Violation",
    "configure",
    "identify",
    "sign_identity",
    "sign_identity_now",
    "track",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'shopalytic' has no attribute {name!r}")
    value = getattr(import_module(f"shopalytic.{_MODULES[name]}"), name)
    globals()[name] = value
    return value
