"""Tokens come back as they were given, or are refused: every kind of every call, forged in many ways."""

import base64
import hashlib
import json
import re
import zlib
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message
from hypothesis import example, given
from hypothesis import strategies as st

from running.running_service import Service, folder
from shopalytic.v1 import admin_pb2, admin_pb2_grpc, reports_pb2, reports_pb2_grpc
from shopalytic_server.domain.access import tokens

JANE = reports_pb2.CustomerSelector(any="jane")
# Each call that takes a page's token, with a question that has several pages.
LISTS: dict[str, Message] = {
    "ListCustomers": reports_pb2.ListCustomersRequest(page_size=1),
    "ListCustomerEvents": reports_pb2.ListCustomerEventsRequest(page_size=1, customer=JANE),
    "ListCustomerOrders": reports_pb2.ListCustomerOrdersRequest(page_size=1, customer=JANE),
    "ListOrders": reports_pb2.ListOrdersRequest(page_size=1),
    "ListEvents": reports_pb2.ListEventsRequest(page_size=1),
    "ListQuarantine": admin_pb2.ListQuarantineRequest(page_size=1),
    "ListMerges": admin_pb2.ListMergesRequest(page_size=1),
}
REPORTS = ("Sales", "Funnel", "Retention", "Product", "Cart", "Fulfilment", "Traffic")
_METHODS = {
    method.name: method
    for module in (reports_pb2, admin_pb2)
    for service in module.DESCRIPTOR.services_by_name.values()
    for method in service.methods
}


def lines() -> bytes:
    """Two of each: customers, orders, merges, and events that cannot be read; every report has a number."""
    found: list[dict[str, Any]] = []

    def add(kind: str, who: dict[str, str], **properties: Any) -> None:
        at = f"2026-01-{1 + len(found):02}T10:00:00Z"
        found.append({"type": kind, **who, "occurred_at": at, "properties": properties})

    for name in ("jane", "john"):
        device, own = {"tracking_id": f"phone-{name}"}, {"identity": name}
        add("page_view", device, url="https://shop.example/", referrer="https://search.example/")
        add("identify", device, identity=name)
        add("product_view", own, sku="A", price="5", categories=["c"], url="https://shop.example/a", name="a")
        add("cart_add", own, cart_id=f"cart-{name}", sku="A", qty=1, price="5")
        # The longest id there is, of the longest letters.
        lists = {"line_items": [{"sku": "A", "price": "5", "qty": 1}], "total": "5", "subtotal": "5"}
        add("order", own, order_id=f"{name}{'😀' * 196}", cart_id="c", **lists)
        add("order", own, order_id=f"second {name}", cart_id="c", **lists)
        add("shipment", own, order_id=f"second {name}", shipment_id=f"s-{name}", carrier="dhl")
        add("order", own, order_id="broken")
    return "".join(json.dumps(line) + "\n" for line in found).encode()


class Asker:
    """A running service with tokens of each kind."""

    def __init__(self, service: Service, channel: grpc.Channel) -> None:
        self.service = service
        self._stubs = (
            reports_pb2_grpc.ReportServiceStub(channel),
            admin_pb2_grpc.AdminServiceStub(channel),
        )
        self.explains = [token for name in REPORTS for token in _explains(self.call(f"Get{name}Report"))]
        LISTS["ListEvents"].explain = self.explains[0]  # type: ignore[attr-defined] # a message's field
        self.pages = {name: self.call(name).next_page_token for name in LISTS}
        assert all(self.pages.values()), self.pages

    def call(self, method: str, **fields: str) -> Any:
        """Ask, with these fields changed."""
        request = type(LISTS[method])() if method in LISTS else getattr(reports_pb2, f"{method}Request")()
        if method in LISTS:
            request.CopyFrom(LISTS[method])
        for name, value in fields.items():
            setattr(request, name, value)
        [stub] = [stub for stub in self._stubs if hasattr(stub, method)]
        return getattr(stub, method)(request, metadata=self.service.metadata("admin"), timeout=120)

    def refusal(self, method: str, **fields: str) -> str | None:
        """The words of a refusal of what was sent, if it was one; anything else is a fault."""
        try:
            self.call(method, **fields)
        except grpc.RpcError as error:
            if error.code() is grpc.StatusCode.INVALID_ARGUMENT:
                return str(error.details())
            raise
        return None


def _explains(message: Message) -> Iterator[str]:
    for field, value in message.ListFields():
        if field.name == "explain":
            yield value
        elif field.message_type is not None and not field.message_type.GetOptions().map_entry:
            for each in value if field.is_repeated else [value]:
                yield from _explains(each)


@pytest.fixture(scope="module")
def asker() -> Iterator[Asker]:
    with folder() as path, Service(path) as service, service.channel() as channel:
        assert service.json("import", "-", stdin=lines())["rejected"] == 0
        yield Asker(service, channel)
        assert re.findall(r"\[fault\]", service.log()) == []


def test_every_call_that_takes_a_token_is_here() -> None:
    takers = {name for name, method in _METHODS.items() if "page_token" in method.input_type.fields_by_name}
    assert takers == set(LISTS)
    explaining = {name for name, method in _METHODS.items() if "explain" in method.input_type.fields_by_name}
    assert explaining == {"ListEvents"}


@pytest.mark.parametrize("method", LISTS)
def test_each_page_leads_to_the_next(asker: Asker, method: str) -> None:
    token, pages = asker.pages[method], 1
    while token:
        token = asker.call(method, page_token=token).next_page_token
        pages += 1
    assert pages >= 2


def test_each_report_explains_its_numbers(asker: Asker) -> None:
    assert len(asker.explains) >= len(REPORTS)
    for token in asker.explains:
        asker.call("ListEvents", explain=token)


def damaged(token: str) -> st.SearchStrategy[str]:
    """A token with some of it changed, left out, doubled or added."""
    places = st.integers(0, len(token) - 1)
    letters = st.characters(categories=(), include_characters="AZaz09-_+/= \n.é")
    one = st.tuples(places, letters).map(lambda at: token[: at[0]] + at[1] + token[at[0] + 1 :])
    cut = places.map(lambda at: token[:at])
    more = st.text(letters, min_size=1, max_size=8).map(lambda text: token + text)
    twice = places.map(lambda at: token[:at] + token)
    return one | cut | more | twice


def unsigned(body: bytes, digest_bytes: int) -> str:
    """What a version without signatures would have written, or a guess at it."""
    digest = hashlib.blake2b(body, digest_size=digest_bytes, salt=(1).to_bytes(16)).digest()
    return base64.urlsafe_b64encode(digest + body).rstrip(b"=").decode()


POSITIONS = [
    b"",
    b"9" * 40 + b" x",
    b"-99999999999999999999 00000000-0000-0000-0000-000000000000",
    b"NaN x",
    b"infinity ",
]
NUMBERS = [
    b"[]",
    b"[1,2,3,4]",
    b"null",
    b"{",
    b"[" * 99_999,
    b'["sales_row",false,null,{}]',
    b'["sales_row",false,"0001-01-01T00:00:00+14:00",{"from_at":"x"}]',
]
BODIES = st.binary(max_size=60) | st.sampled_from([*POSITIONS, *map(zlib.compress, NUMBERS)])
FORGED = (
    st.builds(unsigned, BODIES, st.sampled_from([8, 16]))
    | BODIES.map(lambda body: base64.urlsafe_b64encode(body).decode())
    | st.builds(lambda body: tokens.write(b"guessed", body, b"explain"), BODIES)
    | st.text(min_size=1, max_size=40)
)


@given(data=st.data())
def test_a_token_that_was_not_given_is_refused(asker: Asker, data: st.DataObject) -> None:
    method = data.draw(st.sampled_from(list(LISTS)))
    ours = asker.pages[method]
    others = [token for name, token in asker.pages.items() if name != method] + asker.explains
    token = data.draw(damaged(ours) | FORGED | st.sampled_from(others))
    if token not in ("", ours):
        assert "page_token" in (asker.refusal(method, page_token=token) or "accepted"), token


@given(data=st.data())
def test_an_explain_token_that_was_not_given_is_refused(asker: Asker, data: st.DataObject) -> None:
    ours = data.draw(st.sampled_from(asker.explains))
    token = data.draw(damaged(ours) | FORGED | st.sampled_from(list(asker.pages.values())))
    if token not in asker.explains:
        assert "explain" in (asker.refusal("ListEvents", explain=token) or "accepted"), token


def test_a_token_of_another_project_is_refused(asker: Asker) -> None:
    made = asker.service.json("project", "create", "other")
    [key] = [key["secret"] for key in made["keys"] if key["key_class"] == "admin"]
    metadata = (("authorization", f"Bearer {key}"),)
    with asker.service.channel() as channel:
        stub = reports_pb2_grpc.ReportServiceStub(channel)
        for request in (
            reports_pb2.ListOrdersRequest(page_size=1, page_token=asker.pages["ListOrders"]),
            reports_pb2.ListEventsRequest(explain=asker.explains[0]),
        ):
            with pytest.raises(grpc.RpcError) as refused:
                getattr(stub, type(request).__name__.removesuffix("Request"))(request, metadata=metadata)
            assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT


SECRETS = st.binary(min_size=1, max_size=40)


@given(SECRETS, st.binary(max_size=200), st.lists(st.binary(max_size=20), max_size=3))
@example(b"s", b"", [])
def test_what_is_written_is_read_and_only_so(secret: bytes, body: bytes, about: list[bytes]) -> None:
    token = tokens.write(secret, body, *about)
    assert tokens.read(secret, token, *about) == body
    assert tokens.read(secret + b"x", token, *about) is None
    assert tokens.read(secret, token, *about, b"") is None
    assert tokens.read(b"", token, *about) is None


def test_nothing_is_signed_without_a_secret() -> None:
    with pytest.raises(ValueError, match="secret"):
        tokens.write(b"", b"body")
