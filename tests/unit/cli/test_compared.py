"""A comparison on a terminal: each number, what it was before, and the change."""

import pytest

from shopalytic_server.cli.reports.compared import change, compared_head, compared_row, side_by_side

COLUMNS = ["currency", "start", "orders", "rate", "previous_orders", "previous_rate"]


@pytest.mark.parametrize(
    ("name", "now", "before", "told"),
    [
        ("net_sales", "150.00", "100.00", "+50.0 %"),
        ("net_sales", "0", "1234.5", "-100.0 %"),
        ("net_sales", "-50", "-100", "+50.0 %"),
        ("orders", 3, 3, "+0.0 %"),
        ("orders", 123_460, 10, "+1,234,500.0 %"),
        ("orders", 3, 0, ""),
        ("orders", 3, None, ""),
        ("orders", "", "5", ""),
        ("conversion_rate", "0.0350", "0.0300", "+0.5 pp"),
        ("return_rate", "0.0000", "0.2500", "-25.0 pp"),
        ("average_order", "30.0000", "20.0000", "+50.0 %"),
    ],
)
def test_a_change_is_in_percent_and_that_of_a_share_in_points(name, now, before, told):
    assert change(name, now, before) == told


def test_each_number_has_its_previous_one_beside_it():
    shown, left_out = side_by_side(COLUMNS, ["start", "orders", "previous_orders"], all_of_them=False)
    assert (shown, left_out) == (["start", "orders"], [])
    assert compared_head(COLUMNS, shown) == ["start", "orders", "before", "change"]
    row = ["EUR", "2026-01-01", 6, "0.1", 4, "0.2"]
    assert compared_row(COLUMNS, row, shown) == ["2026-01-01", 6, 4, "+50.0 %"]


def test_more_numbers_than_people_can_read_are_named_instead():
    numbers = [f"n{place}" for place in range(9)]
    columns = ["start", *numbers, *(f"previous_{name}" for name in numbers)]
    shown, left_out = side_by_side(columns, columns, all_of_them=False)
    assert (len(shown), left_out) == (6, numbers[5:])
    assert side_by_side(columns, columns, all_of_them=True) == (["start", *numbers], [])
