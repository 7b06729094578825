"""What the registry of reports takes for granted of each report's messages."""

import pytest

from shopalytic.v1 import reports_pb2
from shopalytic_server.storage.reports.names import NAMES
from shopalytic_server.storage.reports.registry import QUESTIONS

METHODS = {
    each.input_type.name: each
    for each in reports_pb2.DESCRIPTOR.services_by_name["ReportService"].methods
    if each.input_type.name in {request.DESCRIPTOR.name for request in NAMES}
}


def test_each_question_has_a_request_and_each_request_a_call():
    assert set(NAMES.values()) == set(QUESTIONS)
    assert len(METHODS) == len(NAMES)


@pytest.mark.parametrize("name", [name for name in METHODS if name != "ListEventsRequest"])
def test_a_report_can_say_what_was_left_out(name: str):
    answer = METHODS[name].output_type.fields_by_name
    assert {"outside", "robots"} <= set(answer)
    assert "scope" in METHODS[name].input_type.fields_by_name
