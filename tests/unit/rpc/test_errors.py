"""How errors become statuses."""

import logging
from typing import Any

import grpc
import pytest
from google.rpc import code_pb2, error_details_pb2, status_pb2

from shopalytic.events.violations import Violation
from shopalytic_server.domain import errors
from shopalytic_server.rpc.transport.errors import TABLE, row_for, to_status


def unpacked(status: status_pb2.Status, kind: type[Any]) -> Any:
    found = kind()
    assert status.details[0].Unpack(found)
    return found


def descendants(kind: type[errors.ShopalyticError]) -> set[type[errors.ShopalyticError]]:
    """Of the domain only: other layers have errors of their own, which no call raises."""
    found = {kind} if kind.__module__ == errors.__name__ else set()
    return found.union(*(descendants(child) for child in kind.__subclasses__()))


def test_every_error_of_the_domain_has_a_row_of_its_own_kind() -> None:
    for kind in descendants(errors.ShopalyticError) - {errors.ShopalyticError, errors.RetryLater}:
        row = next(row for row in TABLE if issubclass(kind, row.error))
        assert row.error is not Exception, kind


def test_exactly_the_errors_that_carry_a_delay_are_retryable() -> None:
    for row in TABLE:
        assert row.retryable == issubclass(row.error, errors.RetryLater)


def test_every_class_says_by_itself_what_to_do() -> None:
    for kind in descendants(errors.ShopalyticError):
        assert errors.default_message(kind).endswith(".")


def test_an_invalid_request_lists_its_fields() -> None:
    error = errors.InvalidRequest(
        [Violation("scope.time_zone", "time_zone.known", "is not a zone"), Violation("", "a.b", "no")]
    )
    status = to_status(error)
    assert status.code == code_pb2.INVALID_ARGUMENT
    assert status.message == "scope.time_zone: is not a zone (and 1 more)"
    listed = unpacked(status, error_details_pb2.BadRequest).field_violations
    assert [(each.field, each.description, each.reason) for each in listed] == [
        ("scope.time_zone", "is not a zone", "TIME_ZONE_KNOWN"),
        ("", "no", "A_B"),
    ]


def test_a_status_fits_into_trailers_however_much_is_wrong() -> None:
    error = errors.InvalidRequest([Violation("f" * 5000, "a.b", "ü" * 5000)] * 1000, "m" * 100_000)
    status = to_status(error)
    assert status.ByteSize() < 5_000
    assert unpacked(status, error_details_pb2.BadRequest).field_violations


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.Overloaded("100,000 events wait", retry_after=2.5), code_pb2.RESOURCE_EXHAUSTED),
        (errors.StoreUnavailable(retry_after=2.5), code_pb2.UNAVAILABLE),
        (errors.ShuttingDown(retry_after=2.5), code_pb2.UNAVAILABLE),
    ],
)
def test_what_can_be_sent_again_carries_a_delay(error: Exception, code: int) -> None:
    status = to_status(error)
    assert status.code == code
    delay = unpacked(status, error_details_pb2.RetryInfo).retry_delay
    assert delay.ToMilliseconds() == 2500


def test_a_name_that_is_taken_has_a_reason() -> None:
    status = to_status(errors.AlreadyExists("PROJECT_NAME_TAKEN", "Taken.", {"name": "shop"}))
    info = unpacked(status, error_details_pb2.ErrorInfo)
    assert (info.reason, info.domain, dict(info.metadata)) == (
        "PROJECT_NAME_TAKEN",
        "shopalytic",
        {"name": "shop"},
    )


def test_the_database_s_own_words_do_not_reach_the_caller() -> None:
    status = to_status(errors.StoreUnavailable('connection to "db.internal" failed for user "root"'))
    assert "internal" not in status.message
    assert status.message == errors.default_message(errors.StoreUnavailable)


def raise_somewhere(text: str) -> Exception:
    try:
        raise KeyError(text)
    except KeyError as error:
        return error


def test_a_fault_is_told_by_an_id_that_is_in_the_log_and_by_nothing_else(
    caplog: pytest.LogCaptureFixture,
) -> None:
    status = to_status(raise_somewhere("jane@example.org"))
    assert status.code == code_pb2.INTERNAL
    assert "jane" not in status.message
    [record] = caplog.records
    assert record.levelno == logging.ERROR
    fault = record.getMessage().rpartition(" ")[2].rstrip(".")
    assert f"fault {fault};" in status.message


def test_the_same_fault_keeps_its_id_and_another_has_another() -> None:
    first, second = to_status(raise_somewhere("a")), to_status(raise_somewhere("b"))
    assert first.message == second.message
    assert to_status(ValueError("a")).message != first.message


def test_the_row_of_a_subclass_is_its_parent_s() -> None:
    assert row_for(errors.ShuttingDown()).code is grpc.StatusCode.UNAVAILABLE
    assert row_for(ZeroDivisionError()).code is grpc.StatusCode.INTERNAL
