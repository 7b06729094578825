"""Which failed requests are sent again, when, and what becomes of the others."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import grpc
from tenacity import RetryCallState, retry_if_exception, wait_random, wait_random_exponential

from shopalytic.errors import LossReason
from shopalytic.sending.retry_info import retry_delay

# Sending again is always safe, so every code that may pass by itself is tried again.
TRANSIENT = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.ABORTED,
        grpc.StatusCode.CANCELLED,
    }
)
# A broken connection and a defect of the server look alike here: a few attempts tell them apart.
_DUBIOUS = frozenset({grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN})
_DUBIOUS_ATTEMPTS = 5
# A key may be put right; events in a spool can wait for that.
_LOCKED_OUT = frozenset({grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED})

_SHORTEST_ATTEMPT = 1.0
_full_jitter = wait_random_exponential(multiplier=0.1, max=5)
# So that clients told the same delay do not come back in the same instant.
_spread = wait_random(0, 0.1)


def retry_options(expires_at: float, on_retry: Callable[[grpc.RpcError], object]) -> dict[str, Any]:
    """Arguments for tenacity that try one batch again until it expires.

    One that never does waits for a better key, too.
    """
    patient = math.isinf(expires_at)

    def wait(state: RetryCallState) -> float:
        asked = retry_delay(_error(state).trailing_metadata())
        return _full_jitter(state) if asked is None else asked + _spread(state)

    def stop(state: RetryCallState) -> bool:
        if not patient and _error(state).code() in _DUBIOUS and state.attempt_number >= _DUBIOUS_ATTEMPTS:
            return True
        return time.monotonic() + state.upcoming_sleep >= expires_at

    return {
        "retry": retry_if_exception(lambda error: _is_worth_retrying(error, patient=patient)),
        "wait": wait,
        "stop": stop,
        "before_sleep": lambda state: on_retry(_error(state)),
        "reraise": True,
    }


def attempt_timeout(timeout: float, expires_at: float) -> float:
    """Seconds one attempt may take; the last ones end with the batch's own deadline."""
    return min(timeout, max(expires_at - time.monotonic(), _SHORTEST_ATTEMPT))


def is_too_large(error: grpc.RpcError) -> bool:
    """Whether the request passed a limit of size; a queue that is full names a delay, this does not."""
    is_exhausted = error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    return is_exhausted and retry_delay(error.trailing_metadata()) is None


def loss_reason(error: Exception) -> LossReason:
    """Why a batch is given up after this last error."""
    if not isinstance(error, grpc.RpcError):
        return LossReason.REFUSED
    if is_too_large(error):
        return LossReason.TOO_LARGE
    return LossReason.EXPIRED if error.code() in TRANSIENT else LossReason.REFUSED


def _is_worth_retrying(error: BaseException, *, patient: bool) -> bool:
    if not isinstance(error, grpc.RpcError) or is_too_large(error):
        return False
    return error.code() in TRANSIENT or error.code() in _DUBIOUS or (patient and error.code() in _LOCKED_OUT)


def _error(state: RetryCallState) -> Any:
    return state.outcome and state.outcome.exception()
