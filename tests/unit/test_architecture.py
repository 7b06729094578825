"""The shape of the code base: which part and which room may import which, and how large a piece may be."""

import ast
from pathlib import Path

import pytest

from shape import (
    CLIENT,
    LONGEST_FILE,
    LONGEST_FUNCTION,
    MOST_MODULES,
    REPOSITORY,
    SERVER,
    Change,
    changes,
    circle,
    file_lengths,
    folders,
    forms,
    function_lengths,
    glossary,
    imports,
    main,
    module_name,
    ours,
    part_of,
    rooms,
)

NAMES_THAT_SAY_NOTHING = {"utils", "util", "helpers", "helper", "common", "misc"}

PARTS = {"rpc", "storage", "gateway", "embedded", "demo", "notifications"}

# What each part of the server may import of the product; every part may import itself
# and the client package. The arrows: cli → app → PARTS → domain → shopalytic.
# The composition root is every module that lies directly in shopalytic_server, or in its `process`.
MAY_IMPORT = {
    "cli": {"app", "domain", *PARTS},
    "app": {"background", "domain", *PARTS},
    "rpc": {"background", "domain"},
    "storage": {"background", "domain"},
    "gateway": {"domain"},
    "embedded": {"domain"},
    "notifications": {"background", "domain"},
    # Knows nothing of the product.
    "background": set[str](),
    "domain": set[str](),
    # The demo comes through the public doors, as any shop would.
    "demo": set[str](),
}
# The rooms of each part, by what the product does, and which rooms of the same part each may import.
# A module that lies directly in a part is a room of its own, without a row.
ROOMS: dict[str, dict[str, set[str]]] = {
    "cli": {
        "commerce": {"ingest", "reports"},
        "customers": set(),
        "database": set(),
        "doctor": {"database"},
        "ingest": set(),
        "notifications": set(),
        "people": set(),
        "privacy": {"customers", "database"},
        "projects": set(),
        "reports": {"customers"},
        "service": set(),
    },
    "domain": {
        "access": {"formats"},
        "commerce": {"events"},
        "customers": {"events", "formats"},
        "events": {"formats", "privacy", "reports"},
        "formats": set(),
        "ingest": {"customers", "events", "formats", "privacy"},
        "notifications": set(),
        "privacy": {"formats"},
        "reports": set(),
    },
    "gateway": {
        "access": {"http", "requests"},
        "collect": {"access", "http", "requests"},
        "compatibility": {"collect", "http", "requests"},
        "exports": {"access", "compatibility", "http", "requests"},
        "http": {"requests"},
        "pages": {"access", "http", "requests"},
        "requests": set(),
        "rpc": {"access", "http", "requests"},
    },
    "rpc": {
        "access": set(),
        "ingest": {"access"},
        "people": {"access"},
        "transport": {"access"},
    },
    "storage": {
        "customers": {"database", "ingest"},
        "analytics": {"database"},
        "database": set(),
        "facts": {"database", "schema"},
        "ingest": {"database", "facts", "rollups", "schema"},
        "live": {"customers", "database"},
        "notifications": {"database"},
        "people": {"database", "ingest"},
        "privacy": {"customers", "database", "facts", "ingest", "rollups", "schema"},
        "quarantine": {"database", "ingest"},
        "rebuild": {"database", "facts", "ingest", "rollups", "schema"},
        "reports": {"customers", "database", "facts", "ingest", "rebuild"},
        "rollups": {"database"},
        "schema": {"analytics", "database"},
    },
    "demo": {
        "pages": {"shop"},
        "shop": set(),
        "visitors": {"shop"},
    },
}
# Foreign packages that a part must not know.
FORBIDDEN = {
    # What reads facts does so in storage alone.
    "domain": {"duckdb", "grpc", "grpc_status", "psycopg", "psycopg_pool", "asyncio", "starlette", "uvicorn"},
    "gateway": {"duckdb", "psycopg", "psycopg_pool"},
    "demo": {"duckdb", "psycopg", "psycopg_pool", "uvicorn"},
    "notifications": {"duckdb", "grpc", "psycopg", "psycopg_pool", "starlette"},
    "rpc": {"duckdb", "psycopg", "psycopg_pool", "starlette"},
    "storage": {"grpc", "starlette"},
}
# Settings come in as arguments; only this module reads the environment. Into it goes what gRPC reads there.
MAY_READ_ENVIRONMENT = {
    SERVER / "shopalytic_server" / "cli" / "options.py",
    SERVER / "shopalytic_server" / "__init__.py",
}
CLIENT_MAY_IMPORT = {"shopalytic", "google", "grpc", "tenacity"}
# What an optional part of it is for: a framework, or the tests of a shop's own code.
OPTIONAL = {
    CLIENT / "shopalytic" / "contrib" / "django.py": {"django", "asgiref"},
    CLIENT / "shopalytic" / "testing" / "pytest_plugin.py": {"pytest"},
    CLIENT / "shopalytic" / "testing" / "stubs.py": {"grpc_testing"},
}
# The console script is in the client package and hands over to the server's commands.
CONSOLE_SCRIPT = CLIENT / "shopalytic" / "__main__.py"


def violations(path: Path) -> list[str]:
    part = part_of(module_name(path))
    assert part is not None
    found = []
    for line, module in imports(path):
        target = part_of(module)
        if target is not None and target != part and target not in MAY_IMPORT[part]:
            found.append(f"{path.relative_to(REPOSITORY)}:{line}: {part} must not import {module}")
        if module.split(".")[0] in FORBIDDEN.get(part, ()):
            found.append(f"{path.relative_to(REPOSITORY)}:{line}: {part} must not know {module}")
    return found


def test_the_servers_parts_import_only_downwards() -> None:
    assert [line for path in ours(SERVER) for line in violations(path)] == []


def test_rooms_import_only_the_rooms_of_their_row() -> None:
    found = [
        f"{part}/{room} must not import {part}/{target}"
        for (part, room), targets in rooms().items()
        if room in ROOMS.get(part, ())
        for beside, target in targets
        if beside == part and target in ROOMS[part] and target not in ROOMS[part][room]
    ]
    assert sorted(found) == []


def test_every_room_has_a_row_and_every_row_a_room() -> None:
    packages: dict[str, set[str]] = {part: set() for part in ROOMS}
    for path in ours(SERVER):
        part, names = part_of(module_name(path)), module_name(path).split(".")
        inner = names[1 if part == "demo" else 2 :]
        if part in ROOMS and len(inner) > 1:
            packages[part].add(inner[0])
    assert packages == {part: set(rows) for part, rows in ROOMS.items()}


def test_rooms_import_each_other_in_no_circle() -> None:
    assert circle() == []


def test_no_folder_holds_more_than_can_be_seen_at_once() -> None:
    assert {str(folder): size for folder, size in folders(REPOSITORY).items() if size > MOST_MODULES} == {}


@pytest.mark.parametrize(
    ("file", "statement"),
    [
        ("gateway/x.py", "import psycopg"),
        ("gateway/x.py", "from shopalytic_server import storage"),
        ("domain/x.py", "from shopalytic_server.rpc import ports"),
        ("domain/x.py", "def f():\n    import grpc"),
        ("rpc/x.py", "from ..storage.writer import Writer"),
        ("storage/x.py", "import shopalytic_server.cli.root"),
        ("app.py", "from shopalytic_server.cli import root"),
    ],
)
def test_an_upward_import_is_noticed(monkeypatch: pytest.MonkeyPatch, file: str, statement: str) -> None:
    path = SERVER / "shopalytic_server" / file
    monkeypatch.setattr(Path, "read_text", lambda _: statement)
    assert len(violations(path)) == 1


def test_the_client_needs_only_what_its_plain_installation_brings() -> None:
    import sys

    known = CLIENT_MAY_IMPORT | set(sys.stdlib_module_names)
    found = [
        f"{path.relative_to(REPOSITORY)}:{line}: {module}"
        for path in ours(CLIENT)
        for line, module in imports(path)
        if module.split(".")[0] not in known | OPTIONAL.get(path, set()) and path != CONSOLE_SCRIPT
    ]
    assert found == []


def test_only_the_settings_read_the_environment() -> None:
    found = [
        f"{path.relative_to(REPOSITORY)}:{node.lineno}"
        for path in ours(SERVER)
        if path not in MAY_READ_ENVIRONMENT
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"}
    ]
    assert found == []


def test_names_of_files_say_what_is_inside() -> None:
    assert [path for path in ours(REPOSITORY) if path.stem in NAMES_THAT_SAY_NOTHING] == []


def test_no_file_is_too_long_to_be_read() -> None:
    assert {str(path): size for path, size in file_lengths().items() if size > LONGEST_FILE} == {}


def test_no_function_is_too_long_to_be_understood() -> None:
    assert {name: size for name, size in function_lengths().items() if size > LONGEST_FUNCTION} == {}


def test_every_file_says_what_it_owns() -> None:
    bare = [path for path in ours(REPOSITORY) if not ast.get_docstring(ast.parse(path.read_text()))]
    assert [str(path.relative_to(REPOSITORY)) for path in bare] == []


@pytest.mark.parametrize("change", changes(), ids=lambda change: change.what)
def test_the_table_of_changes_names_files_that_exist_and_counts_them(change: Change) -> None:
    roots = (REPOSITORY, SERVER / "shopalytic_server")
    assert [name for name in change.files if not any((root / name).exists() for root in roots)] == []
    assert change.places == len(change.files) > 0


def test_an_ordinary_change_is_made_in_few_places() -> None:
    places = {change.what: change.places for change in changes()}
    assert len(places) >= 20
    assert {what: count for what, count in places.items() if count > 5} == {"a report": 6}
    assert places["a type of event"] <= 3


def test_an_event_has_few_forms_on_its_way() -> None:
    assert forms()["gRPC"] <= 5
    assert forms()["/collect"] <= 8


def test_the_measures_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    main()
    printed = capsys.readouterr().out
    assert "storage/ingest" in printed
    assert "circles" in printed


def test_the_glossary_is_short_and_each_word_is_used_where_it_is_at_home() -> None:
    words = glossary()
    server = SERVER / "shopalytic_server"
    assert len(words) <= 50
    assert [f"{word}: {home}" for word, home in words.items() if not (server / home).exists()] == []
    unused = [
        word
        for word, home in words.items()
        if word.replace(" ", "").rstrip("e")
        not in (server / home).read_text().lower().replace("_", "").replace(" ", "")
    ]
    assert unused == []
