"""Errors as they go from one process of the service to another."""

import pickle

import pytest

from shopalytic.violations import Violation
from shopalytic_server.domain.errors import (
    AlreadyExists,
    InvalidRequest,
    NotFound,
    Overloaded,
    ShopalyticError,
    StoreUnavailable,
)

VIOLATIONS = [Violation("scope.to", "report_scope.range", "must be after scope.from")]


@pytest.mark.parametrize(
    "error",
    [
        InvalidRequest(VIOLATIONS),
        InvalidRequest(VIOLATIONS, "in other words"),
        NotFound("nobody"),
        AlreadyExists("TAKEN", "is taken", {"name": "x"}),
        Overloaded(retry_after=7.0),
        StoreUnavailable(),
    ],
)
def test_an_error_is_the_same_in_another_process(error: ShopalyticError) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert (str(again), vars(again)) == (str(error), vars(error))
