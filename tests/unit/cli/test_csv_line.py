"""CSV can be read back by programs, and does nothing to who opens it in a spreadsheet."""

import csv
import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopalytic_server.cli.csv_line import csv_line

VECTORS = json.loads((Path(__file__).resolve().parents[2] / "csv_lines.json").read_text())
FORMULA = set("=+-@＝＋－＠")

hostile = st.text(
    st.one_of(st.sampled_from("=+-@＝－;\t\n\r \"',|\xa0\u202e\x9b1a"), st.characters()), max_size=12
)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_a_row_is_the_line_that_the_dashboard_would_save(vector):
    assert csv_line(vector["row"]) == vector["line"]


@given(st.integers() | st.decimals(allow_nan=False, allow_infinity=False, places=4))
def test_numbers_stay_numbers(number):
    assert csv_line([number]) == str(number)


@given(st.lists(hostile, min_size=2, max_size=4))
def test_no_cell_begins_a_formula_whatever_separator_the_reader_takes(texts):
    line = csv_line(["name", *texts])
    [row] = csv.reader(io.StringIO(line))
    assert len(row) == len(texts) + 1
    for cell in row:
        assert not begins_a_formula(cell)
    # Quotes hold a cell together only where the reader's separator stands before them.
    for separator in ";\t|\n":
        for cell in line.split(separator):
            assert not begins_a_formula(cell)


def begins_a_formula(cell):
    return (
        cell.strip(" \"'\xa0")[:1] in FORMULA
        and not cell.strip(' "\xa0').startswith("'")
        and not is_number(cell)
    )


def is_number(cell):
    return cell.removeprefix("-").replace(".", "", 1).isdigit()
