"""Writes which dimension fits which report, for the dashboard: the table of the server, as JSON."""

import json

from shopalytic_server.domain.reports.dimensions import CAME_FROM, DIMENSIONS, FITS, SEVERAL
from shopalytic_server.domain.reports.segments import SEGMENTS


def write_dimensions() -> str:
    """The dimensions in the order in which people read them, and those of each report."""
    table = {
        "dimensions": list(DIMENSIONS),
        "several": [name for name in DIMENSIONS if name in SEVERAL],
        "credited": [name for name in DIMENSIONS if name in CAME_FROM],
        "segments": list(SEGMENTS),
        "fits": {report: [name for name in DIMENSIONS if name in FITS[report]] for report in FITS},
    }
    return json.dumps(table, indent=2) + "\n"
