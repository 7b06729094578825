"""Searches, filters and tokens that nobody sends in good faith: a list or INVALID_ARGUMENT, never a fault."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import pytest
from google.protobuf.message import Message
from hypothesis import example, given
from hypothesis import strategies as st

from shopalytic.v1 import admin_pb2, reports_pb2
from shopalytic_server.domain.errors import InvalidRequest, NotFound
from shopalytic_server.rpc.validation import check_request
from shopalytic_server.storage.quarantine.listing import Quarantine
from shops.report_shop import START, Shop, event, identify, open_shop, page

NAMES = (
    "ann", "Ann_%", "100%", "o'hara", 'quo"te', "back\\slash", "a;b--", "$1", "%(search)s", "{0}", "NULL-1",
    "käse", "(x|y)*", "[a-z]", "tab\there", "spa ce", "'; DROP TABLE events; --",
)  # fmt: skip
LETTERS = "".join(sorted({letter for name in NAMES for letter in name}))
# Whose small and large forms PostgreSQL and Python see alike.
SEARCHES = st.text(LETTERS, max_size=6) | st.sampled_from(NAMES) | st.sampled_from(NAMES).map(str.swapcase)
ANYTHING = st.text(max_size=300) | SEARCHES


@dataclass
class Laboratory:
    """One loop and one filled store for all examples of a test."""

    runner: asyncio.Runner
    shop: Shop
    tokens: list[str]

    def ask(self, request: Message) -> Any:
        """The answer as the server gives it; None when the request is refused as the sender's mistake."""
        return self.runner.run(self._ask(request))

    async def _ask(self, request: Message) -> Any:
        reports, quarantine = self.shop.reports, Quarantine(self.shop.pool)
        methods: dict[type[Message], Any] = {
            reports_pb2.ListCustomersRequest: reports.list_customers,
            reports_pb2.ListCustomerEventsRequest: reports.list_customer_events,
            reports_pb2.ListEventsRequest: reports.list_events,
            reports_pb2.GetCustomerRequest: reports.get_customer,
            admin_pb2.ListQuarantineRequest: quarantine.list_quarantine,
        }
        try:
            check_request(request)
            return await methods[type(request)](self.shop.project, request)
        except (InvalidRequest, NotFound):
            return None


@pytest.fixture
def laboratory(database_url: str) -> Iterator[Laboratory]:
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        shop = runner.run(stack.enter_async_context(open_shop(database_url)))
        tokens = runner.run(_fill(shop))
        yield Laboratory(runner, shop, tokens)
        runner.run(stack.aclose())


async def _fill(shop: Shop) -> list[str]:
    for number, name in enumerate(NAMES):
        await shop.send(
            identify(f"t{number}", name, at=START),
            page(f"t{number}", at=START),
            page(identity=name, at=START),
        )
        profile = {"email": f"{number}@shop.test", "first_name": name[::-1], "last_name": "X"}
        await shop.send(event("customer_update", profile, at=START, identity=name))
    customers = await shop.customers(page_size=3)
    events = await shop.reports.list_customer_events(
        shop.project,
        reports_pb2.ListCustomerEventsRequest(
            customer=reports_pb2.CustomerSelector(identity="ann"), page_size=1
        ),
    )
    return [customers.next_page_token, events.next_page_token]


@given(search=SEARCHES)
@example(search=" ")
@example(search="nna x")
def test_a_search_finds_what_a_plain_filter_finds(laboratory: Laboratory, search: str) -> None:
    answer = laboratory.ask(reports_pb2.ListCustomersRequest(search=search, page_size=1_000))
    found = sorted(name for customer in answer.customers for name in customer.identities)
    wanted = search.lower()
    # A profile has each word by itself; a blank alone is between the first name and the last.
    words = wanted.split() or [wanted]
    plain = [
        name
        for number, name in enumerate(NAMES)
        if wanted in name.lower()
        or all(word in f"{number}@shop.test {name[::-1]} X".lower() for word in words)
    ]
    assert found == sorted(plain)


@given(text=ANYTHING, number=st.integers(-(2**31), 2**31 - 1), order=st.integers(-3, 9))
def test_no_filter_of_a_list_is_a_fault(laboratory: Laboratory, text: str, number: int, order: int) -> None:
    for request in (
        reports_pb2.ListCustomersRequest(search=text, order_by=order),  # type: ignore[arg-type]
        reports_pb2.ListCustomersRequest(page_size=number, min_orders=number, country=text[:3]),
        reports_pb2.ListCustomersRequest(min_net=text, currency="EUR"),
        reports_pb2.ListCustomerEventsRequest(
            customer=reports_pb2.CustomerSelector(any=text), page_size=number
        ),
        reports_pb2.ListCustomerEventsRequest(
            customer=reports_pb2.CustomerSelector(identity="ann"), types=[text]
        ),
        reports_pb2.GetCustomerRequest(customer=reports_pb2.CustomerSelector(email=text)),
        reports_pb2.GetCustomerRequest(customer=reports_pb2.CustomerSelector(customer_id=text)),
        admin_pb2.ListQuarantineRequest(rule_id=text, page_size=number),
    ):
        laboratory.ask(request)


@given(data=st.data())
def test_a_token_that_was_not_given_out_is_the_sender_s_mistake(
    laboratory: Laboratory, data: st.DataObject
) -> None:
    token = data.draw(st.sampled_from(laboratory.tokens))
    at = data.draw(st.integers(0, len(token)))
    changed = data.draw(
        st.one_of(ANYTHING, st.just(token[:at]), st.just(token[:at] + "A" + token[at:]), st.just(token[at:]))
    )
    who = reports_pb2.CustomerSelector(identity="ann")
    for request in (
        reports_pb2.ListCustomersRequest(page_token=changed, page_size=3),
        reports_pb2.ListCustomersRequest(page_token=changed, search="ann", page_size=3),
        reports_pb2.ListCustomerEventsRequest(customer=who, page_token=changed, page_size=1),
        reports_pb2.ListEventsRequest(explain=changed),
        admin_pb2.ListQuarantineRequest(page_token=changed),
    ):
        answer = laboratory.ask(request)
        if changed and changed not in laboratory.tokens:
            assert answer is None or changed.strip() == "" or _same(changed, laboratory.tokens), changed


def _same(changed: str, tokens: list[str]) -> bool:
    """Whether a token differs only in what its encoding does not count."""
    return any(changed.rstrip("=") == token.rstrip("=") for token in tokens)
