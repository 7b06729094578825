"""The rules that metrics name are a closed set, and hold each that an event can break."""

import ast
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

import shopalytic_server
from shopalytic.v1.collector_pb2 import EVENT_STATUS_QUARANTINED, EventResult
from shopalytic_server.domain.ingest.rule_names import KNOWN, OTHER, rule_label
from shopalytic_server.gateway.metrics import Metrics

SERVER = Path(shopalytic_server.__file__).parent
# Where events are judged. Elsewhere Violation says what is wrong with a question.
JUDGING = [
    "domain/privacy/consent.py",
    "domain/ingest/preparation.py",
    "domain/ingest/oversized.py",
    "domain/customers/signing.py",
    "domain/ingest/undecoded.py",
    "storage/ingest/decisions.py",
    "storage/ingest/transaction.py",
    "storage/ingest/tombstones.py",
]


def names_in(path: Path) -> set[str]:
    """The rule ids that a module gives to Violation, itself or by a constant of its own."""
    tree = ast.parse(path.read_text())
    constants = {
        target.id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    calls = [
        node.args[1]
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Violation" and len(node.args) == 3
    ]
    found = {argument.value for argument in calls if isinstance(argument, ast.Constant)}
    found |= {constants[each.id] for each in calls if isinstance(each, ast.Name) and each.id in constants}
    return {name for name in found if isinstance(name, str)}


def test_every_rule_that_events_are_judged_by_is_named() -> None:
    found = set().union(*(names_in(SERVER / module) for module in JUDGING))
    assert len(found) > 8
    assert found <= KNOWN


def test_a_name_is_counted_as_itself_or_as_other() -> None:
    assert rule_label("string.max_len") == "string.max_len"
    assert rule_label("x" * 10_000) == OTHER


@given(st.lists(st.text(), max_size=30))
def test_whatever_senders_call_their_rules_there_are_no_more_series(names: list[str]) -> None:
    gateway = Metrics()
    for name in names:
        result = EventResult(status=EVENT_STATUS_QUARANTINED, violations=[{"rule_id": name}])
        gateway.verdicts({("QUARANTINED", "undecoded"): 1}, [result])
    series = [
        line for line in gateway.exposition().decode().splitlines() if "quarantined_reasons_total" in line
    ]
    allowed = {name for name in names if name in KNOWN} | {OTHER}
    assert len(series) <= 2 + len(allowed)
