"""The table of codes in protos/README.md is the one that the server and the gateway go by."""

import re
from pathlib import Path

import grpc
import pytest

from shopalytic_server.domain.errors import TooLarge
from shopalytic_server.gateway.errors import CODES
from shopalytic_server.rpc.transport.errors import TABLE

README = Path(__file__).resolve().parents[2] / "protos" / "README.md"
ROW = re.compile(r"\| `([A-Z_]+)`(, with(?:out)? `RetryInfo`)? \| (\d+) \| (\d+) \| .* \| (.*) \|")
ROWS = [match.groups() for line in README.read_text().splitlines() if (match := ROW.fullmatch(line))]


def test_the_table_has_every_code_that_the_server_gives():
    documented = {grpc.StatusCode[code] for code, *_ in ROWS}
    assert documented == {row.code for row in TABLE} | {
        grpc.StatusCode.CANCELLED,
        grpc.StatusCode.DEADLINE_EXCEEDED,
    }


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0] + (row[1] or ""))
def test_the_gateway_gives_the_status_in_the_table(row):
    code, _, call_status, collect_status, _ = row
    known = CODES[grpc.StatusCode[code]]
    assert int(call_status) == known.rpc_status
    too_large = "without" in (row[1] or "")
    assert int(collect_status) == (413 if too_large else known.collect_status)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0] + (row[1] or ""))
def test_the_server_agrees_on_what_may_be_repeated(row):
    code, info, *_, repeat = row
    overloaded = info is not None and "without" not in info
    for known in TABLE:
        if (
            known.code is grpc.StatusCode[code]
            and known.error is not Exception
            and (info is None or (known.error is not TooLarge) == overloaded)
        ):
            assert known.retryable == repeat.startswith("yes")
