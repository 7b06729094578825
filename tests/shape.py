"""Measures the shape of the code base: `make shape` prints it, and the tests hold it to its limits.

Rooms, circles and sizes are read from the files; the forms of an event and the places of a
change from the tables of docs/explanation/architecture.md.
"""

import ast
import re
import subprocess
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import NamedTuple

REPOSITORY = Path(__file__).resolve().parents[1]
CLIENT = REPOSITORY / "clients" / "python"
SERVER = REPOSITORY / "server"
PAGE = REPOSITORY / "docs" / "explanation" / "architecture.md"
GLOSSARY = PAGE.with_name("glossary.md")

LONGEST_FILE = 500
LONGEST_FUNCTION = 60
MOST_MODULES = 15

# Parts of the server with rooms; whatever else is in its package is the composition root.
PARTS = ("cli", "rpc", "storage", "gateway", "embedded", "background", "domain", "notifications")

Room = tuple[str, str]
Function = ast.FunctionDef | ast.AsyncFunctionDef


class Import(NamedTuple):
    """What a line of a file imports."""

    line: int
    module: str


class Change(NamedTuple):
    """A row of the table of changes."""

    what: str
    files: list[str]
    places: int


def ours(*folders: Path) -> list[Path]:
    """Python files of ours, without generated code."""
    tracked = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *map(str, folders)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    paths = [REPOSITORY / name for name in tracked.stdout.split("\0") if name.endswith(".py")]
    return [path for path in paths if path.exists() and not path.is_relative_to(CLIENT / "shopalytic" / "v1")]


def imports(path: Path) -> Iterator[Import]:
    """Everything a file imports, also inside functions and for type checking only."""
    package = path.relative_to(SERVER if path.is_relative_to(SERVER) else CLIENT).with_suffix("").parts[:-1]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (Import(node.lineno, name.name) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) + 1 - node.level]) if node.level else ""
            module = ".".join(part for part in (base, node.module) if part)
            # `from shopalytic_server import storage` imports a part by its name.
            yield from (Import(node.lineno, f"{module}.{name.name}") for name in node.names)


def module_name(path: Path) -> str:
    """The dotted name of one of the server's files."""
    return ".".join(path.relative_to(SERVER).with_suffix("").parts)


def part_of(module: str) -> str | None:
    """The part of the server that a module belongs to; None for what is not the server's."""
    names = module.split(".")
    if names[0] == "shopalytic_demo":
        return "demo"
    if names[0] != "shopalytic_server":
        return None
    return names[1] if len(names) > 1 and names[1] in PARTS else "app"


def room_of(module: str) -> Room | None:
    """The part and the room of one of the server's modules; None for what lies in no room."""
    part = part_of(module)
    names = module.split(".")[1 if part == "demo" else 2 :]
    return (part, names[0]) if part not in {None, "app"} and names and names[0] != "__init__" else None


def rooms() -> Mapping[Room, set[Room]]:
    """Which room imports which others. A module directly in a part is a room of its own."""
    found = defaultdict(set)
    for path in ours(SERVER):
        room = room_of(module_name(path))
        if room is not None:
            targets = {room_of(module) for _, module in imports(path)}
            found[room] |= {target for target in targets if target not in {None, room}}
    return found


def circle() -> list[str]:
    """Rooms that import each other in a circle; empty if none do."""
    try:
        TopologicalSorter(rooms()).prepare()
    except CycleError as error:
        return ["/".join(room) for room in error.args[1]]
    return []


def folders(*below: Path) -> Counter[Path]:
    """How many modules each folder holds."""
    return Counter(path.parent for path in ours(*below) if path.name != "__init__.py")


def file_lengths() -> dict[Path, int]:
    """Lines of each file."""
    return {path: len(path.read_text().splitlines()) for path in ours(REPOSITORY)}


def function_lengths() -> dict[str, int]:
    """Lines of each function."""
    return {
        f"{path.relative_to(REPOSITORY)}:{node.lineno}: {node.name}": (node.end_lineno or 0) - node.lineno + 1
        for path in ours(REPOSITORY)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, Function)
    }


def _table(text: str) -> list[list[str]]:
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def _rows(heading: str) -> list[list[str]]:
    return _table(PAGE.read_text().partition(f"\n## {heading}\n")[2].partition("\n## ")[0])


def glossary() -> dict[str, str]:
    """The words of the glossary, and the file of the server where each is at home."""
    return {word: home.strip("`") for word, home, _ in _table(GLOSSARY.read_text())}


def changes() -> list[Change]:
    """The table of changes, with its files as the page names them."""
    rows = _rows("To change this, go there")
    return [
        Change(what, re.findall(r"`([\w/-]+/[\w./-]+|\w+\.py)`", where), int(count))
        for what, where, count in rows
    ]


def forms() -> dict[str, int]:
    """In how many forms an event is, by where it comes in; what comes to /collect goes on as gRPC does."""
    count = Counter(where.strip("`") for _, where, _ in _rows("The forms of one event"))
    return {"gRPC": count["gRPC"], "/collect": count["/collect"] + count["gRPC"]}


def _print_table(rows: Mapping[str, object]) -> None:
    width = max(map(len, rows))
    for name, value in rows.items():
        print(f"  {name:<{width}}  {value}")


def main() -> None:
    """Print the measures."""
    print(f"Modules a folder (at most {MOST_MODULES})")
    sizes = folders(REPOSITORY)
    _print_table({str(path.relative_to(REPOSITORY)): sizes[path] for path in sorted(sizes)})
    files, functions = file_lengths(), function_lengths()
    long_file = max(files, key=files.__getitem__)
    long_function = max(functions, key=functions.__getitem__)
    print("\nSizes and arrows")
    _print_table(
        {
            "longest file": f"{files[long_file]} of {LONGEST_FILE}, {long_file.relative_to(REPOSITORY)}",
            "longest function": f"{functions[long_function]} of {LONGEST_FUNCTION}, {long_function}",
            "rooms": len(rooms()),
            "circles": " → ".join(circle()) or "none",
        }
    )
    print("\nForms of one event")
    _print_table(forms())
    print("\nPlaces of a change")
    _print_table({change.what: change.places for change in changes()})


if __name__ == "__main__":
    main()
