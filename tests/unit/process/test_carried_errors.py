"""Errors of the domain go from process to process as they are."""

import pickle

import pytest

from shopalytic.events.violations import Violation
from shopalytic_server.domain import errors


@pytest.mark.parametrize(
    "error",
    [
        errors.InvalidRequest([Violation("scope.to", "report_scope.range", "must be after scope.from")]),
        errors.NotFound("No customer has this email."),
        errors.AlreadyExists("NAME_TAKEN", "It is taken.", {"name": "shop"}),
        errors.Overloaded(retry_after=7.5),
        errors.StoreUnavailable(),
    ],
)
def test_an_error_is_the_same_in_another_process(error):
    told = pickle.loads(pickle.dumps(error))
    assert (type(told), str(told), vars(told)) == (type(error), str(error), vars(error))
