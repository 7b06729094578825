"""The one order in which events happened, whatever their senders' clocks can tell.

Times that are equal are the rule: imports have dates without a time, backends cut
to the second, and a browser beside such a backend does not. So a later microsecond
says little, and what an event is says more: nobody orders before they look. Events
come in the order of

    (whole second, rank of the type, microsecond, tie breaker, id)

where the tie breaker is a number the sender may give, and one without it comes
after those that have one. It is a total order: two events with the same key are
the same event, so whoever goes by it depends on the events alone.
"""

from collections.abc import Mapping
from typing import NamedTuple

# Where types stand along a purchase. Positions are stored: a rank is never
# changed, and new types take free ones.
RANKS: Mapping[str, int] = {
    "customer_register": 1,
    "customer_update": 2,
    "identify": 3,
    "alias": 4,
    "page_view": 6,
    "product_list_view": 7,
    "product_view": 8,
    "search": 10,
    "wishlist_add": 11,
    "wishlist_remove": 12,
    "cart_add": 14,
    "cart_modify": 15,
    "coupon": 17,
    "checkout_step": 18,
    "order": 20,
    "order_cancel": 22,
    "refund": 24,
    "shipment": 27,
    "shipment_delivered": 28,
    "review": 30,
}
FULL_REFUND = 25
# Of types that have no place in a purchase.
UNRANKED = 31

# Stands for "none" where a tie breaker is compared.
NO_TIE_BREAKER = (1 << 63) - 1

_RANK_BITS, _MICROSECOND_BITS = 5, 20
_SECOND_US = 1_000_000


class Place(NamedTuple):
    """Where an event stands; places compare in the order of events."""

    position: int
    tie_breaker: int
    event_id: bytes


def rank(event_type: str, refund_type: str = "") -> int:
    """Where a type stands among events of the same second, from 0 to 31.

    A full refund takes what the partial ones have left, so that it comes after them.
    """
    if event_type == "refund" and refund_type == "full":
        return FULL_REFUND
    return RANKS.get(event_type, UNRANKED)


def position(type_rank: int, occurred_us: int) -> int:
    """Second, rank and microsecond as one number that fits 64 bits, also before 1970.

    In SQL: event_position(type, refund_type, occurred_at).
    """
    seconds, microsecond = divmod(occurred_us, _SECOND_US)
    return (seconds << _RANK_BITS | type_rank) << _MICROSECOND_BITS | microsecond


def second_of(position: int) -> int:
    """The second of a position, counted from the Unix epoch."""
    return position >> _RANK_BITS + _MICROSECOND_BITS


def place(type_rank: int, occurred_us: int, tie_breaker: int | None, event_id: bytes) -> Place:
    """The place of an event; `occurred_us` is its counted time in microseconds after the Unix epoch."""
    tie = NO_TIE_BREAKER if tie_breaker is None else tie_breaker
    return Place(position(type_rank, occurred_us), tie, event_id)
