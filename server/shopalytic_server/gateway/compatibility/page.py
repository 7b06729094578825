"""Makes the part of docs/reference/compatible-surfaces.md that tells the mapping: `python -m` this module."""

import re
from pathlib import Path

from shopalytic_server.gateway.compatibility.catalogue import GA4, NO_PLACE, ROWS, SEGMENT, Row, Source
from shopalytic_server.gateway.compatibility.rules import Rule

PAGE = Path(__file__).parents[4] / "docs" / "reference" / "compatible-surfaces.md"
_MADE = re.compile(r"(<!-- made: mapping -->\n).*?(<!-- end -->)", re.DOTALL)
_TITLES = {
    SEGMENT: "Segment's e-commerce specification, version 2",
    GA4: "Google Analytics 4's recommended events",
}


def mapping() -> str:
    """The tables, in Markdown."""
    return "\n".join(line for spec in _TITLES for line in _table(spec))


def updated(page: str) -> str:
    """The page with these tables in it."""
    return _MADE.sub(lambda found: f"{found[1]}{mapping()}{found[2]}", page)


def _table(spec: str) -> list[str]:
    rows = [row for row in ROWS if row.spec == spec]
    named = ", ".join(f"`{name}`" for name in NO_PLACE[spec])
    return [
        f"### {_TITLES[spec]}",
        "",
        "| name | our event | our properties, and where each comes from |",
        "| --- | --- | --- |",
        *(_line(row) for row in rows),
        "",
        f"`custom` with us, with all their properties: {named}, and every name that is in neither table.",
        "",
        "",
    ]


def _line(row: Row) -> str:
    fields = "; ".join(f"`{field}`: {_sources(sources)}" for field, sources in row.fields.items() if sources)
    each = ", one for each product" if row.each else ""
    return f"| `{row.name}` | `{row.event}`{each} | {fields} |"


def _sources(sources: tuple[Source, ...]) -> str:
    return ", else ".join(source.words if isinstance(source, Rule) else f"`{source}`" for source in sources)


if __name__ == "__main__":
    PAGE.write_text(updated(PAGE.read_text()))
