"""Text of strangers as a terminal may have it: characters that steer the terminal or hide are shown escaped.

A control sequence can move the cursor, and a mark of direction can turn a line around; both make a
reader see what is not there (https://www.unicode.org/reports/tr36/#Bidirectional_Text_Spoofing).
"""

import json
import re
from typing import Any

# Controls (C0, DEL, C1), separators of lines, marks and brackets of direction, halves of pairs, and what has
# no width: https://www.unicode.org/reports/tr9/ and DerivedCoreProperties.txt (Default_Ignorable_Code_Point).
# Selectors of variants (U+FE00 to U+FE0F) stay: emoji are written with them, and they move nothing.
_STEERING = (
    "\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\u061c\u200e\u200f\ud800-\udfff"
    "\xad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200d\u2060-\u2065\u206a-\u206f\u3164\ufeff\uffa0"
    "\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_IN_A_LINE = re.compile(f"[{_STEERING}]")
_IN_LINES = re.compile(f"(?!\n)[{_STEERING}]")


def one_line(text: str) -> str:
    r"""The text with such characters escaped as in JSON (`\n`, `\u202e`), so that it stays on its line."""
    return _IN_A_LINE.sub(_escape, text)


def several_lines(text: str) -> str:
    """The same for a text whose line feeds are ours."""
    return _IN_LINES.sub(_escape, text)


def json_text(data: Any, indent: int | None = None) -> str:
    """Data as JSON that a terminal may have too; escapes are JSON's own, so a reader finds the same text."""
    return _IN_LINES.sub(_escape, json.dumps(data, ensure_ascii=False, indent=indent))


def _escape(found: re.Match[str]) -> str:
    return json.dumps(found[0])[1:-1]
