"""Orders: which of several events counts, in whatever order they come."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopalytic_server.domain.commerce.orders import Occurrence, OrderBook, Placed, content_of

START = datetime(2026, 1, 1, tzinfo=UTC)
SUBJECT = UUID(int=7)


def content(name: str) -> UUID:
    return uuid5(NAMESPACE_OID, name)


def occurrence(second: int, number: int = 0) -> Occurrence:
    return Occurrence(START + timedelta(seconds=second), uuid5(NAMESPACE_OID, str(number)), SUBJECT)


@st.composite
def order_events(draw):
    """Events of a few orders and contents, with many repetitions and equal times."""
    drawn = draw(
        st.lists(
            st.tuples(st.sampled_from("ab"), st.sampled_from("xyz"), st.integers(0, 4)),
            min_size=1,
            max_size=12,
        )
    )
    return [
        (order_id, content(name), occurrence(second, number))
        for number, (order_id, name, second) in enumerate(drawn)
    ]


def book_of(events) -> OrderBook:
    book = OrderBook()
    for event in events:
        book.place(*event)
    return book


@given(order_events(), st.randoms(use_true_random=False))
def test_any_order_with_any_repetition_gives_the_same_orders(events, chance: random.Random):
    again = events + chance.choices(events, k=len(events))
    chance.shuffle(again)
    assert book_of(again).contents == book_of(events).contents


@given(order_events())
def test_which_content_counts_is_kept_up_with_each_event(events):
    book = OrderBook()
    for event in events:
        book.place(*event)
        assert book.current(event[0]) == OrderBook(contents=book.contents).current(event[0])


@given(order_events())
def test_the_content_that_was_first_sent_last_counts(events):
    book = book_of(events)
    for order_id in {event[0] for event in events}:
        first: dict[UUID, Occurrence] = {}
        for _, sent, occurred in sorted(
            (event for event in events if event[0] == order_id), key=lambda e: e[2]
        ):
            first.setdefault(sent, occurred)
        assert book.contents[order_id] == first
        assert book.current(order_id) == max(first, key=lambda sent: first[sent])


@given(order_events())
def test_placing_everything_again_is_only_repetition(events):
    book = book_of(events)
    assert {book.place(*event)[0] for event in events} == {Placed.REPEATED}


def test_repeating_an_old_content_does_not_bring_it_back():
    book = book_of([("o", content("x"), occurrence(1)), ("o", content("y"), occurrence(2))])
    assert book.place("o", content("x"), occurrence(3, 3)) == (Placed.REPEATED, None)
    assert book.current("o") == content("y")


def test_an_earlier_event_with_the_same_content_replaces_the_known_one():
    known = occurrence(5)
    book = book_of([("o", content("x"), known)])
    assert book.place("o", content("x"), occurrence(1, 1)) == (Placed.REPEATED_EARLIER, known)
    assert book.contents["o"][content("x")] == occurrence(1, 1)


BASE: dict[str, Any] = {
    "order_id": "o",
    "total": "10.50",
    "subtotal": "10.5",
    "line_items": [{"sku": "a", "price": "5.25", "qty": 2}],
}


@pytest.mark.parametrize(
    "same",
    [
        {**BASE, "total": "10.5000"},
        {**BASE, "total": "0010.5"},
        {**BASE, "line_items": [{"sku": "a", "price": "5.2500", "qty": 2}]},
        dict(reversed(BASE.items())),
    ],
)
def test_contents_are_equal_however_their_amounts_are_written(same):
    assert content_of(same) == content_of(BASE)


@pytest.mark.parametrize(
    "other",
    [
        {**BASE, "total": "10.51"},
        {**BASE, "currency": "EUR"},
        {**BASE, "line_items": [{"sku": "a", "price": "5.25", "qty": 3}]},
        {**BASE, "line_items": BASE["line_items"] * 2},
        {**BASE, "payment_type": "10.50"},
        {key: value for key, value in BASE.items() if key != "subtotal"},
    ],
)
def test_every_other_difference_is_another_content(other):
    assert content_of(other) != content_of(BASE)


def test_text_that_looks_like_an_amount_is_not_taken_for_one():
    assert content_of({**BASE, "payment_type": "1.0"}) != content_of({**BASE, "payment_type": "1.00"})
