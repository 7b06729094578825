"""No text of a stranger steers the terminal of who reads it, and none is lost."""

import ast
import json
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopalytic_server.domain.formats.terminal_text import json_text, one_line, several_lines

COMMANDS = Path(__file__).resolve().parents[3] / "server" / "shopalytic_server" / "cli"

# The number signs of some scripts are of the format category, and are seen.
SEEN = [*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD, *range(0x13430, 0x13440)]
STEERING = [
    char
    for char in map(chr, range(0x110000))
    if unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"} and ord(char) not in SEEN
]
texts = st.text(st.one_of(st.sampled_from(STEERING), st.characters()))


def test_every_character_that_steers_or_hides_is_escaped():
    assert [hex(ord(char)) for char in STEERING if one_line(char) == char] == []


@pytest.mark.parametrize("text", ["Größe ÄÖ", "日本語　の", "1\u00a0000 €", "❤️", "e\u0301", "a\\b", "‚x‘"])
def test_text_that_people_write_is_left_alone(text):
    assert one_line(text) == several_lines(text) == text
    assert json.loads(json_text(text)) == text
    assert text.replace("\\", "\\\\") in json_text(text)


@given(texts)
def test_nothing_that_steers_is_left(text):
    assert not set(one_line(text)) & set(STEERING)
    assert set(several_lines(text)) & set(STEERING) <= {"\n"}


@given(st.recursive(texts, lambda inner: st.lists(inner) | st.dictionaries(texts, inner), max_leaves=5))
def test_json_stays_json_of_the_same_text(data):
    for indent in (None, 2):
        shown = json_text(data, indent)
        assert json.loads(shown) == data
        assert set(shown) & set(STEERING) <= {"\n"}


def test_commands_print_by_the_one_way_that_escapes():
    found = [
        f"{path.name}:{node.lineno}"
        for path in COMMANDS.rglob("*.py")
        if path.name != "output.py"
        for node in ast.walk(ast.parse(path.read_text()))
        if (isinstance(node, ast.Attribute) and node.attr in {"echo", "secho", "echo_via_pager", "stdout"})
        or (isinstance(node, ast.Name) and node.id == "print")
    ]
    assert found == []
