"""HTML from templates: whatever is filled in is escaped, unless it is HTML already."""

from collections.abc import Iterable
from html import escape


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def fill(template: str, /, **values: object) -> Markup:
    """The template, whose own text is trusted, with each {name} replaced by its escaped value."""
    return Markup(template.format(**{name: _safe(value) for name, value in values.items()}))


def join(parts: Iterable[Markup]) -> Markup:
    """Pieces of HTML, one after the other."""
    return Markup("".join(parts))


def _safe(value: object) -> Markup:
    return value if isinstance(value, Markup) else Markup(escape(str(value)))
