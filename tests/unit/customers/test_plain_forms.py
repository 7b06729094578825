"""The plain form of an identity that is an e-mail address."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopalytic import sign_identity, sign_identity_now
from shopalytic_server.domain.customers.signing import Claim, Judge
from shopalytic_server.domain.formats.plain_forms import is_plain, plain_form
from shopalytic_server.domain.privacy.erasure import identity_mark, marks_of, person_marks
from shops.report_shop import NOW, alias, identify, page

VECTORS = json.loads((Path(__file__).parents[2] / "vectors/customers/plain_forms.json").read_text())
SECRET = "shop_identity_x"


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_an_identity_has_the_plain_form_that_the_vector_says(vector):
    assert plain_form(vector["identity"]) == vector["plain"]


@given(st.text(alphabet="aA@. \u200b\u00a0\u00c9x"))
def test_a_plain_form_is_its_own(text):
    assert is_plain(plain_form(text))


def refusal(identity: str, signature: str) -> object:
    return Judge([SECRET], NOW).refusal([Claim("identity", identity, signature)], "T")


def test_a_signature_of_the_plain_form_or_of_the_form_sent_proves_an_address():
    sent, plain = " Ada@Shop.example", "ada@shop.example"
    assert refusal(sent, sign_identity(SECRET, sent)) is None
    assert refusal(sent, sign_identity(SECRET, plain)) is None
    assert refusal(sent, sign_identity_now(SECRET, plain, at=NOW)) is None
    assert refusal(plain, sign_identity(SECRET, "eve@shop.example")) is not None
    assert refusal("Customer 1", sign_identity(SECRET, "customer 1")) is not None


def test_any_form_of_an_erased_person_s_address_is_known():
    marks = person_marks([" Ada@Shop.example"], [], [])
    for form in ("ada@shop.example", "ADA@SHOP.EXAMPLE", "\u200bAda@Shop.example "):
        for event in (page("T", identity=form), identify("T", form), alias(form, identity="x")):
            assert marks & marks_of(event).own.keys()
    assert identity_mark("ada@shop.example") in marks
    assert not marks & marks_of(page("T", identity="eve@shop.example")).own.keys()
