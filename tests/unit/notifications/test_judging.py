"""When a watched number is an incident."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopalytic_server.domain.notifications.judging import Condition, Row, judge, plain

EIGHT = [{"": Decimal(number)} for number in (90, 100, 110, 100, 95, 105, 100, 400)]


def found(condition: Condition, number: str, weeks: list[dict[str, Decimal]] | None = None) -> list[str]:
    judgement = judge(condition, [Row("", Decimal(number))], what="orders", weeks=weeks or [])
    return [each.sentence for each in judgement.found]


@pytest.mark.parametrize(
    ("condition", "just_right", "out"),
    [
        (Condition(below=Decimal("1.50")), "1.50", "1.4999"),
        (Condition(above=Decimal(10)), "10", "10.0001"),
        (Condition(percent_under_median=40), "60.0001", "60"),
        (Condition(percent_over_median=50), "149.9999", "150"),
    ],
)
def test_a_number_is_an_incident_beyond_its_bound_exactly(
    condition: Condition, just_right: str, out: str
) -> None:
    assert found(condition, just_right, EIGHT) == []
    assert len(found(condition, out, EIGHT)) == 1


def test_a_median_needs_four_weeks() -> None:
    condition = Condition(percent_under_median=40)

    judgement = judge(condition, [Row("", Decimal(0))], what="orders", weeks=EIGHT[:3])

    assert judgement.found == ()
    assert judgement.sentence == "Not judged: 3 of the weeks before have data, and a median needs 4."


def test_a_median_of_nothing_is_not_held_against_anything() -> None:
    weeks = [{"": Decimal(0)}] * 8

    assert found(Condition(percent_under_median=40), "0", weeks) == []
    assert found(Condition(percent_over_median=40), "5", weeks) == []


def test_each_value_is_judged_by_itself_and_only_where_its_guard_is_large_enough() -> None:
    rows = [
        Row("spring", Decimal(0), Decimal(250)),
        Row("small", Decimal(0), Decimal(99)),
        Row("well", Decimal(3), Decimal(400)),
    ]

    judgement = judge(
        Condition(below=Decimal(1)), rows, what="orders of the last 7 days", guard_at_least=Decimal(100)
    )

    assert [each.value for each in judgement.found] == ["spring"]
    assert judgement.sentence == "spring: orders of the last 7 days: 0, less than 1."


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**12), max_value=10**12))
def test_numbers_are_written_exactly_and_without_an_exponent(number: Decimal) -> None:
    assert Decimal(plain(number).replace(",", "")) == number
    assert "E" not in plain(number)
