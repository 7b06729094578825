"""The native core beside the server: where it is used, and that all goes on without it."""

import re
import tomllib
from pathlib import Path
from types import SimpleNamespace

import pytest

from laws.native_inputs import EventInputs, parsed
from shopalytic_server.domain.ingest import native
from shopalytic_server.domain.ingest.preparation import prepare_event
from shopalytic_server.domain.ingest.verdicts import Verdicts
from shopalytic_server.storage.ingest.copyrows import COLUMNS, encode_events

REPOSITORY = Path(__file__).resolve().parents[3]
CORE = REPOSITORY / "core"
SOURCES = sorted((CORE / "src").glob("*.rs"))

needs_core = pytest.mark.skipif(not native.is_installed(), reason="the native core is not built: make setup")


def table(path: Path) -> dict:
    return tomllib.loads(path.read_text())


def test_the_server_never_needs_the_core_and_asks_for_its_own_version() -> None:
    project = table(REPOSITORY / "pyproject.toml")["project"]
    extras, version = project["optional-dependencies"], project["version"]
    assert extras["native"] == [f"shopalytic-core=={version}"]
    assert not [need for need in (*project["dependencies"], *extras["server"]) if "core" in need]
    assert table(CORE / "pyproject.toml")["project"]["version"] == version
    assert table(CORE / "Cargo.toml")["package"]["version"] == version


def test_the_core_has_no_unsafe_code() -> None:
    lines = [line for path in SOURCES for line in path.read_text().splitlines()]
    assert not [line for line in lines if re.search(r"\bunsafe\b", line)]
    assert table(CORE / "Cargo.toml")["lints"]["rust"]["unsafe_code"] == "forbid"


def test_the_core_stays_small_enough_to_be_read() -> None:
    lines = [line.strip() for path in SOURCES for line in path.read_text().splitlines()]
    assert len([line for line in lines if line and not line.startswith("//")]) <= 1_000


def test_the_page_on_an_events_way_names_files_that_exist() -> None:
    page = (REPOSITORY / "docs/explanation/how-an-event-travels.md").read_text()
    named = set(re.findall(r"[a-z0-9_/]+\.(?:py|rs)", page))
    roots = [REPOSITORY, CORE / "src", REPOSITORY / "clients/python", *(REPOSITORY / "server").glob("*/")]
    roots.append(REPOSITORY / "server/shopalytic_server/storage/ingest")
    assert len(named) > 8
    assert [name for name in named if not any((root / name).is_file() for root in roots)] == []


def test_what_make_tests_without_the_core_is_there() -> None:
    makefile = (REPOSITORY / "Makefile").read_text()
    [line] = re.findall(r"^WITHOUT_CORE := (\S+) \$\(addprefix (\S+),(.*)\)$", makefile, re.MULTILINE)
    files = [line[0], *(line[1] + name for name in line[2].split())]
    assert [name for name in files if not (REPOSITORY / name).is_file()] == []


def test_wheels_are_described_for_the_platforms_that_servers_run_on() -> None:
    wheels = table(CORE / "pyproject.toml")["tool"]["cibuildwheel"]
    assert wheels["linux"]["archs"] == ["x86_64", "aarch64"]
    assert wheels["macos"]["archs"] == ["x86_64", "arm64"]


def test_a_core_of_another_version_is_not_used(monkeypatch) -> None:
    monkeypatch.setattr(native, "shopalytic_core", SimpleNamespace(VERSION="0.0.9"))
    monkeypatch.setattr(native, "_core", native.made_of([], [], []))
    assert native.described() == "read in Python; the native core (0.0.9) was made for another version"
    assert not native.is_installed()


def test_without_a_core_nothing_is_cut(monkeypatch) -> None:
    monkeypatch.setattr(native, "_core", None)
    native.use("on")
    try:
        assert native.split(EventInputs(1).request(3), 1_000) is None
        assert not native.is_in_use()
    finally:
        monkeypatch.undo()
        native.use("on")


@needs_core
def test_off_means_that_python_reads(monkeypatch) -> None:
    monkeypatch.setattr(native, "_in_use", True)
    native.use("off")
    assert native.split(EventInputs(1).request(3), 1_000) is None
    assert native.described("off") == "read in Python; the native core is off"


@needs_core
def test_where_the_core_fails_python_encodes_what_the_core_has_read(monkeypatch) -> None:
    monkeypatch.setattr(native, "_in_use", True)
    items = []
    for seed in range(20):
        inputs = EventInputs(seed)
        cut = native.split(inputs.request(50), 1_000)
        items += [item for item in native.read(cut, 0, 50, inputs.admitted()) if item is not None]
    assert items
    rows, answer = encode_events(items), Verdicts(items).response()

    def fail(*_: object) -> bytes:
        raise RuntimeError

    monkeypatch.setattr(native, "_core", SimpleNamespace(rows=fail, answers=fail))
    assert (encode_events(items), Verdicts(items).response()) == (rows, answer)


@needs_core
def test_a_group_of_both_kinds_is_one_copy(monkeypatch) -> None:
    monkeypatch.setattr(native, "_in_use", True)
    inputs = EventInputs(3)
    admitted = inputs.admitted()
    cut = native.split(inputs.request(100), 1_000)
    read = native.read(cut, 0, 100, admitted)
    expected = [prepare_event(parsed(cut.event(place)), admitted) for place, item in enumerate(read) if item]
    native_ones = [item for item in read if item]
    mixed = [each for pair in zip(native_ones, expected, strict=True) for each in pair][1:-1]
    doubled = [each for one in expected for each in (one, one)][1:-1]
    assert encode_events(mixed) == encode_events(doubled)
    assert len(COLUMNS.split(",")) == 19


@needs_core
def test_whatever_ingest_sets_on_an_event_can_be_set_on_the_cores(monkeypatch) -> None:
    monkeypatch.setattr(native, "_in_use", True)
    sources = list((REPOSITORY / "server/shopalytic_server/storage").rglob("*.py"))
    names = {
        name
        for path in sources
        if path.name != "tie_breakers.py"
        for name in re.findall(r"\bitem\.(\w+) = ", path.read_text())
    }
    assert {"verdict", "violations", "tracking_id"} <= names
    items = []
    for seed in range(20):
        inputs = EventInputs(seed)
        cut = native.split(inputs.request(50), 1_000)
        items += [item for item in native.read(cut, 0, 50, inputs.admitted()) if item is not None]
    for name in names:
        setattr(items[0], name, getattr(items[0], name))
    # tie_breakers.py sets more, so that what it works on is never the core's.
    assert not [item for item in items if item.tie_breaker is not None]


@needs_core
def test_what_has_much_beside_its_events_is_left_to_python(monkeypatch) -> None:
    monkeypatch.setattr(native, "_in_use", True)
    request = EventInputs(1).request(3)
    assert native.split(request + b"\x10\x01" * 400, 1_000) is not None
    assert native.split(request + b"\x10\x01" * 2_000_000, 1_000) is None
