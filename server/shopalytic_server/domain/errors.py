"""What can go wrong, in the product's own words.

    ShopalyticError
    ├── InvalidRequest      the call cannot be used as it is
    ├── TooLarge            the call has too many bytes
    ├── Unauthenticated     no key, or not a valid one
    ├── PermissionDenied    the key's class may not do this
    ├── NotFound            nothing has this name
    ├── AlreadyExists       somebody else has this name
    ├── StoreFault          PostgreSQL cannot run a statement of ours
    └── RetryLater          nothing is wrong with the call; it carries a delay
        ├── Overloaded          the queue is full
        ├── TooSlow             the call's message did not come in time
        ├── RateLimited         this sender sends more than it may
        └── Unavailable
            ├── StoreUnavailable    PostgreSQL cannot be reached
            └── ShuttingDown        this server is about to end

A class's docstring is its default message.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from shopalytic.events.violations import Violation


class ShopalyticError(Exception):
    """Something went wrong."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or default_message(type(self)))

    def __reduce__(self) -> tuple[Callable[..., ShopalyticError], tuple[Any, ...]]:
        """So that another process of the service is told the same, whatever the class is made of."""
        return _remade, (type(self), self.args, self.__dict__)


def _remade(kind: type[ShopalyticError], args: tuple[Any, ...], state: dict[str, Any]) -> ShopalyticError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(state)
    return error


class InvalidRequest(ShopalyticError):
    """The request cannot be used as it is; correct the fields named and send it again."""

    def __init__(self, violations: Sequence[Violation], message: str | None = None) -> None:
        super().__init__(message or _summary(violations))
        self.violations = tuple(violations)


class TooLarge(ShopalyticError):
    """The request is too large; send fewer events at a time."""


class Unauthenticated(ShopalyticError):
    """No valid key came with the call; send `authorization: Bearer KEY` in the metadata."""


class PermissionDenied(ShopalyticError):
    """The key may not do this; use a key of another class."""


class NotFound(ShopalyticError):
    """Nothing was found under this name."""


class AlreadyExists(ShopalyticError):
    """Something else has this name already; choose another one."""

    def __init__(
        self, reason: str, message: str | None = None, metadata: Mapping[str, str] | None = None
    ) -> None:
        """`reason` is a stable word in capitals that a program can branch on."""
        super().__init__(message)
        self.reason = reason
        self.metadata = dict(metadata or {})


class StoreFault(ShopalyticError):
    """The store cannot run a statement of this version; nothing was stored, and the log names it."""


class RetryLater(ShopalyticError):
    """This cannot be done now; send it again after the delay."""

    def __init__(self, message: str | None = None, *, retry_after: float = 1.0) -> None:
        """`retry_after`: seconds to wait before the next attempt."""
        super().__init__(message)
        self.retry_after = retry_after


class Overloaded(RetryLater):
    """The queue of events to store is full; nothing was stored, send it again after the delay."""


class TooSlow(RetryLater):
    """The request did not arrive in time, and nothing of it was stored; send it again, or less at a time."""


class RateLimited(RetryLater):
    """This sends more than it may; nothing was stored, send it again after the delay."""


class Unavailable(RetryLater):
    """The service is away for a moment; send it again after the delay, which is always safe."""


class StoreUnavailable(Unavailable):
    """The store cannot be reached at the moment; send it again after the delay, which is always safe."""


class ShuttingDown(Unavailable):
    """This server is shutting down; connect again and send what was not answered, which is always safe."""


def default_message(kind: type[ShopalyticError]) -> str:
    """The first line of the class's docstring."""
    return inspect.cleandoc(kind.__doc__ or kind.__name__).partition("\n")[0]


def _summary(violations: Sequence[Violation]) -> str:
    if not violations:
        return default_message(InvalidRequest)
    first = violations[0]
    sentence = f"{first.field}: {first.message}" if first.field else first.message
    more = len(violations) - 1
    return f"{sentence} (and {more} more)" if more else sentence
