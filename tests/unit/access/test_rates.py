"""Token buckets: how much they let through, and how many are remembered."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopalytic_server.domain.access.rates import BURST_SECONDS, Buckets
from shopalytic_server.gateway.access.rate import bucket_name

REQUESTS = st.lists(st.tuples(st.floats(0, 5), st.integers(1, 2_000)), max_size=60)


@given(REQUESTS, st.integers(1, 500))
def test_no_more_passes_than_a_full_bucket_the_rate_and_one_request(
    requests: list[tuple[float, int]], rate: int
) -> None:
    buckets, now, passed, largest = Buckets(rate), 0.0, 0, 0
    for pause, cost in requests:
        now += pause
        largest = max(largest, cost)
        if not buckets.take("a", cost, now):
            passed += cost
    assert passed <= rate * (BURST_SECONDS + now) + largest + 1e-6


@given(REQUESTS, st.integers(1, 500))
def test_what_is_refused_passes_after_the_time_that_was_told(
    requests: list[tuple[float, int]], rate: int
) -> None:
    buckets, now = Buckets(rate), 0.0
    for pause, cost in requests:
        now += pause
        wait = buckets.take("a", cost, now)
        if wait:
            assert buckets.take("a", cost, now + wait / 2) > 0
            now += wait
            assert buckets.take("a", cost, now) == 0


def test_one_name_takes_nothing_from_another() -> None:
    buckets = Buckets(1)
    assert buckets.take("a", 10, 0.0) == 0
    assert buckets.take("a", 1, 0.0) == pytest.approx(1)
    assert buckets.take("b", 10, 0.0) == 0


def test_the_table_stays_bounded_whoever_comes() -> None:
    buckets = Buckets(1, max_entries=1_000)
    assert buckets.take("busy", 10, 0.0) == 0
    for number in range(100_000):
        buckets.take(f"address-{number}", 1, number / 1e5)
        assert len(buckets) <= 1_000
    buckets.take("x", 1, 100.0)
    for number in range(1_001):
        buckets.take(f"late-{number}", 1, 100.0)
    assert len(buckets) <= 1_000


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("203.0.113.7:4711", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("[2001:db8:1:2::9]:443", "2001:db8:1:2::"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("127.0.0.1", None),
        ("::ffff:127.0.0.1", None),
        ("::1", None),
        ("unknown", None),
        (None, None),
    ],
)
def test_whose_bucket_an_address_uses(address: str | None, name: str | None) -> None:
    assert bucket_name(address) == name
