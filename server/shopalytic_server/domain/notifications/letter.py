"""What a digest says: as plain text for every reader of mail, and as HTML."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from html import escape

from shopalytic_server.domain.notifications.judging import plain


@dataclass(frozen=True, slots=True)
class Figure:
    """A number, and what it was in the ranges that it is compared with; None: not known."""

    label: str
    now: Decimal | None
    before: Decimal | None
    last_year: Decimal | None
    unit: str = ""
    """A percent sign for shares, which are given in percent; a currency code for money."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """The first rows of a list."""

    title: str
    rows: Sequence[tuple[str, str]]
    """A name, and its numbers as words."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A digest, ready to be sent."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class Contents:
    """What goes into a letter."""

    shop: str
    title: str
    """Of which days: "Monday 3 to Sunday 9 March 2026"."""
    before: str
    """With which days it is compared."""
    last_year: str
    figures: Sequence[Figure]
    rankings: Sequence[Ranking]
    notes: Sequence[str] = ()
    address: str = ""
    """Where the dashboard is; empty: not known."""


def write(contents: Contents) -> Letter:
    """The letter. Nothing of the shop's data is taken for markup or for a line of the head."""
    first = next((figure for figure in contents.figures if figure.now is not None), None)
    told = f": {first.label.lower()} {_amount(first.now, first.unit)}{_step(first)}" if first else ""
    subject = " ".join(f"{contents.shop}, {contents.title}{told}".split())
    return Letter(subject[:200], _text(contents), _html(contents))


def _step(figure: Figure) -> str:
    change = _change(figure.now, figure.before, figure.unit)
    return f" ({change})" if change else ""


def _amount(number: Decimal | None, unit: str) -> str:
    if number is None:
        return "–"
    if unit == "%":
        return f"{number:.1f} %"
    if unit:
        return f"{number:,.2f} {unit}"
    return plain(number)


def _change(now: Decimal | None, then: Decimal | None, unit: str) -> str:
    """How much a number has changed: in percent, of shares in points; "" where that says nothing."""
    if now is None or then is None:
        return ""
    if unit == "%":
        return f"{now - then:+.1f} points"
    if then <= 0:
        return ""
    return f"{(now - then) * 100 / then:+.0f} %"


def _text(contents: Contents) -> str:
    lines = [contents.shop, contents.title, ""]
    width = max((len(figure.label) for figure in contents.figures), default=0)
    for figure in contents.figures:
        changes = [
            f"{change} on {name}"
            for name, then in (("the period before", figure.before), ("last year", figure.last_year))
            if (change := _change(figure.now, then, figure.unit))
        ]
        tail = f"   ({', '.join(changes)})" if changes else ""
        lines.append(f"{figure.label:<{width}}   {_amount(figure.now, figure.unit)}{tail}")
    for ranking in contents.rankings:
        lines += ["", ranking.title]
        lines += [f"  {_one_line(name)}: {numbers}" for name, numbers in ranking.rows]
    for note in contents.notes:
        lines += ["", note]
    lines += ["", f"The period before: {contents.before}. Last year: {contents.last_year}."]
    if contents.address:
        lines.append(f"Dashboard: {contents.address}")
    return "\n".join(lines) + "\n"


_CELL = 'style="padding:4px 12px 4px 0;text-align:%s;white-space:nowrap"'
_LEFT, _RIGHT = _CELL % "left", _CELL % "right"


def _html(contents: Contents) -> str:
    rows = "".join(
        f"<tr><td {_LEFT}>{escape(figure.label)}</td>"
        f"<td {_RIGHT}><b>{escape(_amount(figure.now, figure.unit))}</b></td>"
        f"<td {_RIGHT}>{escape(_change(figure.now, figure.before, figure.unit) or '–')}</td>"
        f"<td {_RIGHT}>{escape(_change(figure.now, figure.last_year, figure.unit) or '–')}</td></tr>"
        for figure in contents.figures
    )
    parts = [
        f"<h1 style='font-size:18px'>{escape(contents.shop)}</h1><p>{escape(contents.title)}</p>",
        f"<table style='border-collapse:collapse'><tr><th {_LEFT}></th><th {_RIGHT}>Now</th>"
        f"<th {_RIGHT}>On the period before</th><th {_RIGHT}>On last year</th></tr>{rows}</table>",
    ]
    for ranking in contents.rankings:
        items = "".join(
            f"<tr><td {_LEFT}>{escape(_one_line(name))}</td><td {_RIGHT}>{escape(numbers)}</td></tr>"
            for name, numbers in ranking.rows
        )
        parts.append(f"<h2 style='font-size:15px'>{escape(ranking.title)}</h2><table>{items}</table>")
    parts += [f"<p>{escape(note)}</p>" for note in contents.notes]
    parts.append(
        f"<p style='color:#666'>The period before: {escape(contents.before)}. "
        f"Last year: {escape(contents.last_year)}.</p>"
    )
    if contents.address:
        parts.append(f'<p><a href="{escape(contents.address)}">Open the dashboard</a></p>')
    body = "".join(parts)
    return f"<!doctype html><html lang='en'><body style='font-family:sans-serif'>{body}</body></html>"


def _one_line(text: str) -> str:
    return " ".join(text.split())[:120]
