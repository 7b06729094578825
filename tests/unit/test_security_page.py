"""docs/security.md: each bound that it names exists, and has the value that stands beside it."""

import dataclasses
import importlib
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import shopalytic_server
from shopalytic_server.config import TABLE
from shopalytic_server.domain.projects import KeyClass
from shopalytic_server.rpc.access.auth import (
    _READING_METHODS,
    ADMIN_READING,
    ADMIN_SERVICE,
    REPORT_SERVICE,
    RIGHTS,
)

PAGE = Path(__file__).parents[2] / "docs" / "security.md"
_ROW = re.compile(
    r"\| (?P<what>[^|]+) \| (?P<number>[0-9,]+)(?: (?P<unit>[A-Za-z]+))?[^|]* \| `(?P<by>[^`]+)` \|"
)
_UNITS = {"KiB": 2**10, "MiB": 2**20}
_FLAGS = {info.flag: info for info in TABLE.values()}


def bounds() -> list[re.Match[str]]:
    table = PAGE.read_text().partition("\n## Bounds\n")[2].partition("\n## ")[0]
    rows = [line for line in table.splitlines() if line.startswith("|") and not line.endswith("| | |")]
    found = [_ROW.fullmatch(row) for row in rows[2:]]
    unread = [row for row, match in zip(rows[2:], found, strict=True) if match is None]
    assert not unread
    return [match for match in found if match is not None]


def actual(name: str) -> Any:
    """The value of a flag's default, or of a constant below the server's package."""
    if name.startswith("--"):
        return _FLAGS[name].default
    path, _, key = name.rstrip("]").partition("[")
    names = path.split(".")
    value: Any = shopalytic_server
    while hasattr(value, "__path__"):
        value = importlib.import_module(f"{value.__name__}.{names.pop(0)}")
    for each in names:
        value = getattr(value, each)
        value = value() if dataclasses.is_dataclass(value) and isinstance(value, type) else value
    if key:
        entries = (
            dict(value) if isinstance(value, tuple) else {each.name: bound for each, bound in value.items()}
        )
        value = entries[key]
    return value


def test_the_table_has_bounds():
    assert len(bounds()) > 50


@pytest.mark.parametrize("bound", bounds(), ids=lambda bound: bound["by"])
def test_a_bound_on_the_page_is_the_one_in_force(bound: re.Match[str]):
    value = actual(bound["by"])
    if isinstance(value, timedelta):
        value = value.days
    assert int(bound["number"].replace(",", "")) * _UNITS.get(bound["unit"], 1) == value, bound["what"]


def test_the_page_names_every_setting_that_bounds():
    named = {bound["by"] for bound in bounds()}
    assert {flag for flag in _FLAGS if flag.endswith("-rate") or flag.startswith("--quarantine-")} <= named


def test_the_page_tells_each_class_of_keys_its_rights():
    page = PAGE.read_text()
    rows = {
        key_class: next(line for line in page.splitlines() if line.startswith(f"| `{key_class}` |"))
        for key_class in KeyClass
    }
    for service, classes in RIGHTS.items():
        if service == ADMIN_READING:
            continue
        for key_class, row in rows.items():
            named = f"`{service.rpartition('.')[2]}`" in row
            reading = service == ADMIN_SERVICE and key_class in RIGHTS[ADMIN_READING]
            assert named == (key_class in classes or reading), (service, key_class)
    assert all(f"`{method}`" in rows[KeyClass.REPORTS] for method in _READING_METHODS)
    assert KeyClass.REPORTS in RIGHTS[REPORT_SERVICE]
