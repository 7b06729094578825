"""Loads named SQL blocks from the `.sql` files beside the modules that run them."""

import re
from functools import cache
from importlib import resources

from shopalytic_server.storage.database import engines

_HEADER = re.compile(r"^-- (name|on citus): (\w+)\s*$", re.MULTILINE)


class Queries:
    """The named statements of one `.sql` file, as attributes."""

    def __init__(self, source: str, statements: dict[str, str]) -> None:
        self._source = source
        self._statements = statements

    def __getattr__(self, name: str) -> str:
        try:
            return self._statements[name]
        except KeyError:
            raise AttributeError(f"no statement named {name!r} in {self._source}") from None


def load(name: str) -> Queries:
    """Reads a file by its room and name, such as `ingest/emails`.

    Each of its blocks begins with a line `-- name: statement_name`, or `-- on citus: statement_name`
    for what Citus runs instead.
    """
    return load_from("shopalytic_server.storage", "", name)


def load_beside(module: str) -> Queries:
    """Reads the `.sql` file that lies beside a module and has its name, in the same form."""
    package, _, name = module.rpartition(".")
    return load_from(package, "", name)


@cache
def load_from(package: str, folder: str, name: str) -> Queries:
    """Reads a `.sql` file of a package."""
    text = resources.files(package).joinpath(folder, f"{name}.sql").read_text(encoding="utf-8")
    parts = _HEADER.split(text)[1:]
    statements: dict[str, str] = {}
    for kind, statement, body in zip(parts[::3], parts[1::3], parts[2::3], strict=True):
        if kind == "name":
            statements[statement] = _statement(body)
            engines.name(statements[statement], f"{name}: {statement}")
        else:
            engines.on_citus(statements[statement], _statement(body))
    return Queries(f"{name}.sql", statements)


def _statement(body: str) -> str:
    """A block without the comment at its end: that one speaks of the next, and would swallow what follows."""
    lines = body.strip().splitlines()
    while lines and (not lines[-1].strip() or lines[-1].startswith("--")):
        lines.pop()
    return "\n".join(lines)
