"""The native core stores what Python would store, of whatever may be sent."""

import copy
import os
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import pytest

from laws.native_inputs import EventInputs, parsed
from running.length import either
from shopalytic.v1 import tables
from shopalytic_server.domain.events.prepared import Prepared
from shopalytic_server.domain.ingest import native
from shopalytic_server.domain.ingest.preparation import Admitted, prepare_event
from shopalytic_server.domain.ingest.verdicts import Verdicts
from shopalytic_server.storage.ingest.bulk_insert import encode_record, encode_records
from shopalytic_server.storage.ingest.copyrows import encode_event, encode_events

pytestmark = pytest.mark.skipif(not native.is_installed(), reason="the native core is not built: make setup")

# `make fuzz` asks for more of them, and for others.
INPUTS = int(os.environ.get("PARITY_INPUTS") or either(10_000, 200_000))
SEED = int(os.environ.get("FUZZ_SEED", "1"))
AT_ONCE = 50

ATTRIBUTES = sorted(
    {field.name for field in fields(Prepared)}
    | {name for name, value in vars(Prepared).items() if isinstance(value, property)}
)


# What is checked twice: with a mistake there the core leaves more to Python, or as much.
HARMLESS = {
    ("Context", "user_agent", "longest"),
    ("Context", "address", "longest"),
    ("Context", "automated", "name"),
    ("Context", "analytics_consent", "choices"),
    ("Identify", "identity", "name"),
    ("Identify", "identity", "required"),
}

Row = dict[str, Any]


def seen(item: Any, name: str) -> Any:
    try:
        value = getattr(item, name)
    except KeyError:  # a key of an order or a parcel, of an event that is about none
        return KeyError
    return tuple(value) if name in ("violations", "arrivals", "plain_dates", "proven") else value


def differences(item: Any, expected: Prepared) -> list[str]:
    """What of an event the core has otherwise than Python."""
    if expected.violations:
        return [f"taken, although {expected.violations[0]}"]
    found = [name for name in ATTRIBUTES if seen(item, name) != seen(expected, name)]
    if encode_event(item) != encode_event(expected) or encode_events([item]) != encode_events([expected]):
        found.append("row")
    if encode_record(item) != encode_record(expected) or encode_records([item]) != encode_record(expected):
        found.append("record")
    if Verdicts([item]).response() != Verdicts([expected]).response():
        found.append("answer")
    if (
        native.claims([item]) != native.claims([item, expected][:1])
        or native.claims([item, item]) is not None
    ):
        found.append("claim")
    return found


def compare(data: bytes, admitted: Admitted, counts: Counter[str]) -> None:
    cut = native.split(data, 1_000)
    assert cut is not None
    for place, item in enumerate(native.read(cut, 0, len(cut), admitted)):
        event = parsed(cut.event(place))
        expected = event and prepare_event(event, admitted)
        if item is None:
            counts["left"] += 1
            counts["left though right"] += bool(expected and not expected.violations)
            continue
        counts["taken"] += 1
        assert expected is not None, "taken, although it is no event"
        found = differences(item, expected)
        assert not found, f"{found} of {cut.event(place)!r} with {admitted}"


def test_whatever_the_core_takes_is_what_python_makes_of_it():
    inputs, counts = EventInputs(SEED), Counter[str]()
    for _ in range(INPUTS // AT_ONCE):
        compare(inputs.request(AT_ONCE), inputs.admitted(), counts)
    assert native.failures() == 0
    # Or too little was compared.
    assert counts["taken"] > INPUTS // 8, counts


def looser(row: Row) -> Iterator[tuple[str, Any]]:
    """Mistakes in a row: each lets something by that the contract does not, or names it wrong."""
    if row["kind"] in ("unsure", "struct"):
        return
    yield "name", f"{row['name']}x"
    for name, value in (("required", False), ("form", ""), ("choices", []), ("shortest", 0)):
        # In lists the core never takes an empty text.
        if row[name] != value and (name, row["repeated"]) != ("shortest", True):
            yield name, value
    for name, by in (("longest", 1), ("most", 1)):
        # Longer lists are in events that are too large for the core.
        if row[name] > 0 and (name, row["kind"]) != ("most", "message"):
            yield name, row[name] + by
    if row["kind"] == "int32":
        yield "high", row["high"] + 1
        if row["presence"] and row["low"]:
            yield "low", row["low"] - 1
    if row["kind"] == "timestamp":
        yield "low", row["low"] - 1


def mutations() -> Iterator[tuple[str, str, list[Any]]]:
    """Tables with one mistake in them, and where it is."""
    for at, (owner, rows, needs, sure) in enumerate(tables.MESSAGES):
        if owner in ("Undecoded", "Refund"):  # Python's as a whole
            continue
        for place, row in enumerate(rows):
            for key, value in looser(row):
                if (owner, row["name"], key) not in HARMLESS:
                    changed = copy.deepcopy(tables.MESSAGES)
                    changed[at][1][place][key] = value
                    yield owner, row["name"], changed
        for need in needs:
            changed = list(tables.MESSAGES)
            changed[at] = (owner, rows, [each for each in needs if each != need], sure)
            yield owner, need[1], changed


def is_caught(owner: str, name: str) -> bool:
    inputs = EventInputs(SEED, (owner, name))
    try:
        for _ in range(200):
            compare(inputs.request(20), inputs.admitted(), Counter())
    except AssertionError:
        return True
    return False


def test_a_mistake_in_the_tables_is_caught(monkeypatch):
    every = list(mutations())
    chosen = every if INPUTS > 100_000 else random.Random(SEED).sample(every, 25)
    missed = []
    for owner, name, changed in chosen:
        try:
            core = native.made_of(native._ENVELOPE, tables.PAYLOADS, changed)
        except ValueError:  # it is noticed at once
            continue
        monkeypatch.setattr(native, "_core", core)
        if not is_caught(owner, name):
            missed.append((owner, name))
    assert missed == []
