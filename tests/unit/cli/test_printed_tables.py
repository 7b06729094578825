"""Tables on terminals: numbers stay whole, and what does not fit is named."""

import pytest
from rich.console import Console

from shopalytic_server.cli import output

COLUMNS = ["start", "orders", "net_sales", "total_sales", "note"]
ROWS = [["2026-01-01", 12, "9758809.994", "10655622.484", "a longer remark on this row"] for _ in range(2)]


@pytest.mark.parametrize("width", [20, 40, 60, 80, 200])
def test_numbers_are_never_broken_and_left_out_columns_are_named(monkeypatch, capsys, width):
    monkeypatch.setattr(output, "console", lambda: Console(width=width, force_terminal=False))
    output.print_table(COLUMNS, ROWS, right=COLUMNS[1:4])
    printed = capsys.readouterr()
    left_out = [name for name in COLUMNS if name in printed.err]
    assert ("too narrow" in printed.err) == bool(left_out)
    for place, name in enumerate(COLUMNS[:4]):
        assert printed.out.count(str(ROWS[0][place])) == (0 if name in left_out else 2)
    assert left_out == COLUMNS[len(COLUMNS) - len(left_out) :]
    assert "start" not in left_out
    assert max(map(len, printed.out.splitlines())) <= width
