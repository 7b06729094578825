"""Rows as lines of CSV (RFC 4180) that spreadsheets take for text and numbers, never for formulas.

`clients/dashboard/src/csv.ts` has the same rules; `tests/csv_lines.json` holds both to them. A text
that begins like a formula gets an apostrophe before it, which spreadsheets read as "this is text"
(https://owasp.org/www-community/attacks/CSV_Injection). They look for that behind blanks and quotes,
too. Where a list's separator is the semicolon, as in much of Europe, a cell of ours is cut at its
semicolons, and its quotes do not hold it together; so each part of a text is looked at by itself.
"""

import re
from collections.abc import Sequence
from typing import Any

# A spreadsheet with another separator cuts a text here, and each part is then a cell.
_PART = re.compile(r"[^;|\t\n]+")
# With the wide and the small forms of = + - @, which East Asian editions take for the same.
_FORMULA = re.compile("[ \"'`\xa0\u1680\u2000-\u200f\u202f\u205f\u2060\u3000\ufeff]*[=+\\-@＝＋－＠﹦﹢﹣﹫]")
# What amounts, counts and shares look like. Below zero they begin as a formula does, and are none.
_NUMBER = re.compile(r"-?[0-9]+([.][0-9]+)?")
# Nothing that belongs into a text: controls but tab and line feed, separators of lines, brackets of
# direction, halves of pairs.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_QUOTED = re.compile('[",\n]')


def csv_line(row: Sequence[Any]) -> str:
    """The line, without its end."""
    return ",".join("" if value is None else _cell(str(value)) for value in row)


def _cell(text: str) -> str:
    if _NUMBER.fullmatch(text):
        return text
    shown = _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
    parts = _PART.sub(lambda part: "'" + part[0] if _FORMULA.match(part[0]) else part[0], shown)
    safe = "'" + parts if parts.startswith(("\t", "\n")) else parts
    return '"' + safe.replace('"', '""') + '"' if _QUOTED.search(safe) else safe
