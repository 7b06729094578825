"""The gap between two sessions stands in one place, and sums of page views are never coarser than it."""

import re

from shape import SERVER
from shopalytic_server.domain.reports.touches import SESSION_GAP
from shopalytic_server.storage.rollups.page_sums import QUARTER

PACKAGE = SERVER / "shopalytic_server"


def test_the_sql_of_the_sums_has_the_quarter_that_python_compares_with_the_gap() -> None:
    text = (PACKAGE / "storage/rollups/page_sums.sql").read_text()
    minutes = {int(each) for each in re.findall(r"'(\d+) minutes'", text)}
    assert minutes == {QUARTER.seconds // 60}


def test_no_other_statement_and_no_other_module_has_the_gap_as_a_number() -> None:
    minutes = SESSION_GAP.seconds // 60
    written = re.compile(rf"'{minutes} ?min|minutes ?=>? ?{minutes}\b|'00:{minutes}")
    found = [
        str(path.relative_to(PACKAGE))
        for suffix in ("py", "sql")
        for path in sorted(PACKAGE.rglob(f"*.{suffix}"))
        if "migrations" not in path.parts and written.search(path.read_text())
    ]
    assert found == ["domain/reports/touches.py"]
