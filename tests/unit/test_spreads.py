"""Spreads: places in numbers that are put together and taken away."""

from hypothesis import given
from hypothesis import strategies as st

from shopalytic_server.domain.spreads import Spread

NUMBERS = st.lists(st.integers(-10, 10) | st.integers(-(10**15), 10**15), max_size=30)


@given(first=NUMBERS, second=NUMBERS, data=st.data())
def test_places_are_those_of_the_numbers_that_are_left(first, second, data):
    gone = data.draw(st.lists(st.sampled_from(range(len(first))), unique=True)) if first else []
    spread = Spread(first) + Spread(second) + -Spread([first[place] for place in gone])
    left = sorted([each for place, each in enumerate(first) if place not in gone] + second)
    assert len(spread) == len(left)
    assert [spread.at(place) for place in range(1, len(left) + 1)] == left
    if left:
        assert spread.middle == (left[(len(left) - 1) // 2], left[len(left) // 2])
    else:
        assert spread.middle is None
