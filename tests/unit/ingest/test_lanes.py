"""Lanes: each sender's requests in their order, and nobody behind another's flood."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from shopalytic_server.domain.ingest import lanes
from shopalytic_server.domain.ingest.lanes import Lane

MOST = 5_000
# The largest request that comes into a lane of small ones.
LARGEST = 100


@dataclass(frozen=True)
class Request:
    sender: str
    number: int
    size: int
    decided: int = 0

    @property
    def items(self) -> range:
        return range(self.size)


REQUESTS = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(1, LARGEST), st.booleans()), min_size=1, max_size=200
).map(
    lambda drawn: [
        Request(sender, number, size, size * decided) for number, (sender, size, decided) in enumerate(drawn)
    ]
)


def filled(requests: list[Request]) -> "Lane[Request]":
    lane: Lane[Request] = Lane()
    for request in requests:
        lane.add(request)
    return lane


def emptied(lane: "Lane[Request]") -> list[list[Request]]:
    groups = []
    while lane.waiting:
        groups.append(lane.take_group(MOST))
    return groups


@given(REQUESTS)
def test_everybody_is_stored_once_and_each_senders_requests_in_their_order(requests: list[Request]) -> None:
    lane = filled(requests)
    assert (lane.waiting, lane.events) == (len(requests), sum(each.size for each in requests))
    taken = [request for group in emptied(lane) for request in group]
    assert sorted(taken, key=lambda each: each.number) == requests
    for sender in "abc":
        own = [each.number for each in taken if each.sender == sender]
        assert own == sorted(own)
    assert (lane.waiting, lane.events) == (0, 0)


@given(REQUESTS)
def test_groups_keep_their_bounds(requests: list[Request]) -> None:
    lane = filled(requests)
    while lane.waiting:
        senders = len(lane._queues)
        group = lane.take_group(MOST)
        if len(group) > 1:
            assert sum(each.decided for each in group) <= lanes._MOST_DECIDED
            assert sum(each.size for each in group) <= (lanes._SHARED_GROUP_EVENTS if senders > 1 else MOST)


@given(st.integers(1, 2_000), st.integers(1, LARGEST), st.integers(1, 5))
def test_who_has_one_request_waits_for_a_turn_of_each_other_sender(
    count: int, size: int, floods: int
) -> None:
    lane = filled([Request(f"flood-{number % floods}", number, size) for number in range(count)])
    lane.add(Request("shop", count, 1))
    before = 0
    while (request := lane.take()).sender != "shop":
        before += request.size
    assert before <= floods * (lanes._TURN_EVENTS + LARGEST)
