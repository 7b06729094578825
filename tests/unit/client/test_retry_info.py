"""Our reading of google.rpc.RetryInfo agrees with Google's, and survives anything."""

from __future__ import annotations

from google.protobuf.any_pb2 import Any
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import BadRequest, RetryInfo
from google.rpc.status_pb2 import Status
from hypothesis import given
from hypothesis import strategies as st

from shopalytic.sending.retry_info import STATUS_DETAILS_KEY, retry_delay


def packed(*details: BadRequest | RetryInfo, message: str = "try later") -> bytes:
    status = Status(code=14, message=message)
    for detail in details:
        any_detail = Any()
        any_detail.Pack(detail)
        status.details.append(any_detail)
    return bytes(status.SerializeToString())


@given(st.integers(0, 315_576_000_000), st.integers(0, 999_999_999), st.text(), st.booleans())
def test_the_delay_is_the_one_that_was_packed(seconds: int, nanos: int, message: str, beside: bool) -> None:
    info = RetryInfo(retry_delay=Duration(seconds=seconds, nanos=nanos))
    others = [BadRequest(field_violations=[BadRequest.FieldViolation(field="events")])] if beside else []
    metadata: list[tuple[str, str | bytes]] = [
        ("other", "text"),
        (STATUS_DETAILS_KEY, packed(*others, info, message=message)),
    ]
    assert retry_delay(metadata) == seconds + nanos / 1e9


def test_no_delay_when_the_server_gives_none() -> None:
    assert retry_delay(None) is None
    assert retry_delay([]) is None
    assert retry_delay([(STATUS_DETAILS_KEY, packed(BadRequest()))]) is None
    assert retry_delay([(STATUS_DETAILS_KEY, packed(RetryInfo()))]) is None


def test_a_negative_delay_is_no_delay() -> None:
    info = RetryInfo(retry_delay=Duration(seconds=-5, nanos=-1))
    assert retry_delay([(STATUS_DETAILS_KEY, packed(info))]) == 0


@given(st.binary(max_size=80))
def test_broken_details_are_no_delay(noise: bytes) -> None:
    whole = packed(RetryInfo(retry_delay=Duration(seconds=3)))
    for value in (noise, whole[: len(noise)], whole + noise):
        delay = retry_delay([(STATUS_DETAILS_KEY, value)])
        assert delay is None or delay >= 0
