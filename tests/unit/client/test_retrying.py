"""How long the client waits between attempts, and when it stops."""

from __future__ import annotations

import time
from typing import Any

import grpc
import pytest
from google.protobuf import any_pb2
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from tenacity import Retrying

from shopalytic.errors import LossReason
from shopalytic.sending.retry_info import STATUS_DETAILS_KEY
from shopalytic.sending.retrying import attempt_timeout, loss_reason, retry_options


class Failure(grpc.RpcError):
    def __init__(self, code: str, retry_after: int | None = None) -> None:
        self._code = grpc.StatusCode[code]
        self._metadata: tuple[tuple[str, bytes], ...] = ()
        if retry_after is not None:
            detail = any_pb2.Any()
            detail.Pack(RetryInfo(retry_delay=Duration(seconds=retry_after)))
            self._metadata = ((STATUS_DETAILS_KEY, Status(details=[detail]).SerializeToString()),)

    def code(self) -> grpc.StatusCode:
        return self._code

    def details(self) -> str:
        return "as told"

    def trailing_metadata(self) -> Any:
        return self._metadata


def sleeps_before_giving_up(error: Failure, *, deadline: float, most: int = 20) -> list[float]:
    """The pauses that tenacity would make; the batch expires after so many seconds of pauses."""
    pauses: list[float] = []
    clock_start = time.monotonic()

    def attempt() -> None:
        if len(pauses) == most:
            raise StopIteration
        raise error

    options = retry_options(clock_start + deadline, lambda _: None)
    with pytest.raises((Failure, StopIteration)):
        Retrying(sleep=lambda seconds: pauses.append(float(seconds)), **options)(attempt)
    return pauses


def test_pauses_are_random_and_stay_under_a_growing_bound() -> None:
    pauses = sleeps_before_giving_up(Failure("UNAVAILABLE"), deadline=3600)
    assert len(pauses) == 20
    assert all(pause <= min(5.0, 0.1 * 2**n) for n, pause in enumerate(pauses))
    assert len(set(pauses)) > 10


def test_the_delay_that_the_server_asks_for_is_kept() -> None:
    pauses = sleeps_before_giving_up(Failure("RESOURCE_EXHAUSTED", retry_after=30), deadline=3600)
    assert all(30 <= pause <= 30.1 for pause in pauses)


def test_no_pause_reaches_past_the_deadline() -> None:
    assert sleeps_before_giving_up(Failure("UNAVAILABLE", retry_after=30), deadline=29) == []
    assert sleeps_before_giving_up(Failure("UNAVAILABLE"), deadline=-1) == []


def test_an_attempt_ends_with_its_own_timeout_or_the_deadline() -> None:
    now = time.monotonic()
    assert attempt_timeout(15, now + 3600) == 15
    assert 1 <= attempt_timeout(15, now + 5) <= 5
    assert attempt_timeout(15, now - 5) == 1
    assert attempt_timeout(0.5, now - 5) == 0.5


@pytest.mark.parametrize("code", [code.name for code in grpc.StatusCode if code is not grpc.StatusCode.OK])
def test_every_code_is_either_tried_again_or_final(code: str) -> None:
    pauses = sleeps_before_giving_up(Failure(code, retry_after=1), deadline=3600)
    transient = {"UNAVAILABLE", "RESOURCE_EXHAUSTED", "DEADLINE_EXCEEDED", "ABORTED", "CANCELLED"}
    expected = 20 if code in transient else 4 if code in {"INTERNAL", "UNKNOWN"} else 0
    assert len(pauses) == expected
    reason = LossReason.EXPIRED if code in transient else LossReason.REFUSED
    assert loss_reason(Failure(code, retry_after=1)) is reason


def test_a_request_that_is_too_large_is_not_tried_again_as_it_is() -> None:
    error = Failure("RESOURCE_EXHAUSTED")
    assert sleeps_before_giving_up(error, deadline=3600) == []
    assert loss_reason(error) is LossReason.TOO_LARGE
