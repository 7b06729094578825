"""The total order of events: second, rank, microsecond, tie breaker, id."""

from hypothesis import given
from hypothesis import strategies as st

from shopalytic_server.domain.events.event_order import (
    FULL_REFUND,
    NO_TIE_BREAKER,
    RANKS,
    UNRANKED,
    place,
    position,
    rank,
)

SECOND = 1_000_000
times = st.integers(-70_000_000_000 * SECOND, 250_000_000_000 * SECOND)
ranks = st.integers(0, 31)


@given(times, ranks, times, ranks)
def test_a_position_compares_like_second_then_rank_then_microsecond(
    one_us: int, one_rank: int, other_us: int, other_rank: int
) -> None:
    one = (one_us // SECOND, one_rank, one_us % SECOND)
    other = (other_us // SECOND, other_rank, other_us % SECOND)

    assert (position(one_rank, one_us) < position(other_rank, other_us)) == (one < other)


@given(times, ranks)
def test_a_position_fits_a_bigint(occurred_us: int, type_rank: int) -> None:
    assert -(2**63) <= position(type_rank, occurred_us) < 2**63


def test_a_purchase_within_one_second_goes_its_way() -> None:
    way = [
        rank("customer_register"),
        rank("identify"),
        rank("page_view"),
        rank("product_view"),
        rank("search"),
        rank("cart_add"),
        rank("cart_modify"),
        rank("checkout_step"),
        rank("order"),
        rank("order_cancel"),
        rank("refund", "partial"),
        rank("refund", "full"),
        rank("shipment"),
        rank("shipment_delivered"),
    ]

    assert way == sorted(set(way))


def test_each_type_has_a_rank_of_its_own() -> None:
    given_ranks = [*RANKS.values(), FULL_REFUND, UNRANKED]

    assert len(set(given_ranks)) == len(given_ranks)
    assert all(0 <= each <= 31 for each in given_ranks)


def test_an_event_without_a_tie_breaker_comes_after_those_that_have_one() -> None:
    first, last = place(8, 0, NO_TIE_BREAKER - 1, b"b"), place(8, 0, None, b"a")

    assert sorted([last, first]) == [first, last]
