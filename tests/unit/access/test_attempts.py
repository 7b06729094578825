"""Laws of counted attempts."""

from hypothesis import given
from hypothesis import strategies as st

from shopalytic_server.domain.access.attempts import Attempts

STEPS = st.lists(st.tuples(st.sampled_from(["a", "b"]), st.integers(0, 5), st.booleans()), max_size=60)


@given(st.integers(1, 5), STEPS)
def test_no_span_has_more_attempts_than_it_may(most: int, steps: list[tuple[str, int, bool]]) -> None:
    seconds, now = 10.0, 0.0
    attempts = Attempts(most, seconds)
    made: dict[str, list[float]] = {"a": [], "b": []}
    for name, later, right in steps:
        now += later
        wait = attempts.take(name, now)
        assert 0 <= wait <= seconds
        if not wait:
            made[name].append(now)
            if right:
                attempts.give_back(name)
                made[name].pop()
        # A span is as long as this, so each such stretch meets at most two of them.
        for times in made.values():
            assert sum(now - seconds < each <= now for each in times) <= 2 * most


@given(st.integers(1, 5))
def test_who_has_used_them_up_may_try_again_when_the_wait_is_over(most: int) -> None:
    attempts = Attempts(most, 10)
    assert [attempts.take("a", 1.0) for _ in range(most)] == [0.0] * most
    wait = attempts.take("a", 4.0)
    assert wait == 7.0
    assert attempts.take("a", 4.0 + wait) == 0.0


def test_a_bounded_number_of_names_is_remembered() -> None:
    attempts = Attempts(1, 10, max_names=10)
    for each in range(1_000):
        attempts.take(str(each), 0.0)
        assert len(attempts) <= 10
    assert attempts.take("999", 1.0) > 0
