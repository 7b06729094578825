"""Laws of bodies of other tools: what a form has is what was put into it."""

import asyncio
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopalytic_server.gateway.compatibility.body import plain_json
from shopalytic_server.gateway.work import Work


def of_form(text: str) -> bytes:
    return asyncio.run(plain_json(f"data={text}&compression=none".encode("latin-1"), Work()))


@given(st.dictionaries(st.text(), st.text()), st.sampled_from([quote, quote_plus]), st.integers(1, 2_000))
def test_a_form_of_any_text_and_any_length_is_read_as_it_was_written(value, quoted, times: int):
    text = json.dumps([value] * times, ensure_ascii=False)
    found = json.loads(of_form(quoted(text)))
    assert found == {"batch": [value] * times}


@pytest.mark.parametrize("shift", range(6))
def test_no_escape_is_cut_in_two_wherever_the_steps_end(shift: int):
    text = json.dumps(["x" * shift + "\N{GRINNING FACE}é" * 5_000], ensure_ascii=False)
    assert json.loads(of_form(quote(text)))["batch"] == json.loads(text)
