"""Statements that are another text on Citus: both take the same and give the same columns."""

import re
from importlib import resources
from pathlib import Path

import pytest

from shopalytic_server.storage.database import engines
from shopalytic_server.storage.database.queries import load_from

_FOLDER = Path(str(resources.files("shopalytic_server.storage")))
_BLOCK = re.compile(
    r"^-- (name|on citus): (\w+)\s*\n(.*?)(?=^-- (?:name|on citus): |\Z)", re.MULTILINE | re.DOTALL
)
_GIVEN = re.compile(r"%\((\w+)\)s|(?<!\{)\{(\w+)\}(?!\})")


def chosen() -> list[tuple[str, str, str, str]]:
    """Each file and statement with both of its texts."""
    found = []
    for path in sorted(_FOLDER.rglob("*.sql")):
        plain: dict[str, str] = {}
        for kind, name, body in _BLOCK.findall(path.read_text(encoding="utf-8")):
            if kind == "name":
                plain[name] = body
            else:
                found.append((path.name, name, plain[name], body))
    return found


def given(text: str) -> set[str]:
    return {one or other for one, other in _GIVEN.findall(text)}


@pytest.mark.parametrize(
    ("plain", "citus"), [pytest.param(*texts, id=f"{file}:{name}") for file, name, *texts in chosen()]
)
def test_both_texts_take_the_same(plain: str, citus: str) -> None:
    # A page of a timeline needs where a second begins for its index alone.
    assert given(citus) <= given(plain)
    assert given(plain) - given(citus) <= {"second"}


def test_a_session_on_citus_gets_the_text_for_it() -> None:
    statement = load_from("shopalytic_server.storage", "", "ingest/identities").subjects_with_events
    assert "unnest" in engines.text_for(statement, citus=False)
    assert "DISTINCT subject FROM events" in engines.text_for(statement, citus=True)
    assert engines.text_for("SELECT 1", citus=True) == "SELECT 1"
