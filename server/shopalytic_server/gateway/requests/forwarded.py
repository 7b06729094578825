"""What proxies in front tell about a request: by X-Forwarded headers, or by Forwarded (RFC 7239)."""

import re
from collections.abc import Iterable

Headers = Iterable[tuple[bytes, bytes]]

_LONGEST = 300
# So many characters from the right are looked at: they may be a stranger's.
_LOOK_AT = 4_096
_LONGEST_ELEMENT = 1_000
# Begins where a name does, so that a long name is not tried again from each of its letters.
_PAIR = re.compile(
    r"""(?<![!#$%&'*+.^_`|~0-9A-Za-z-])([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^;,"\s]*)"""
)
_ESCAPED = re.compile(r"\\(.)")


def values_of(headers: Headers, name: bytes) -> list[str]:
    """The comma-separated values of a header that may be given several times."""
    return _parts(_joined(headers, name))


def forwarded(headers: Headers, legacy: bytes, parameter: str, trusted_proxies: int) -> str | None:
    """One value as the outermost trusted proxy told it, or None.

    `legacy` is the X-Forwarded header of this value, which counts if it is there:
    proxies that write it pass a client's own Forwarded on. `parameter` is the
    name in Forwarded.
    """
    values = _parts(_joined(headers, legacy)[-_LOOK_AT:])
    if not values:
        return _in_forwarded(_joined(headers, b"forwarded"), parameter, trusted_proxies)
    # Many proxies replace a header where they append to X-Forwarded-For, so a single value is theirs.
    return values[max(len(values) - trusted_proxies, 0)][:_LONGEST]


def _in_forwarded(text: str, parameter: str, trusted_proxies: int) -> str | None:
    element = _element(text[-_LOOK_AT:], trusted_proxies)[:_LONGEST_ELEMENT]
    for name, value in _PAIR.findall(element):
        if name.lower() == parameter:
            plain = _ESCAPED.sub(r"\1", value[1:-1]) if value.startswith('"') else value
            return plain[:_LONGEST] or None
    return None


def _element(text: str, number: int) -> str:
    """The element of a list so far from the right, or the first if there are not so many.

    Each proxy appends at the right. What stands left of the trusted ones may be
    anything, also half a quoted text, so the list is read from the right.
    """
    end = len(text)
    quoted = False
    for at in range(len(text) - 1, -1, -1):
        if text[at] == '"':
            quoted = not quoted
        elif text[at] == "," and not quoted:
            number -= 1
            if not number:
                return text[at + 1 : end]
            end = at
    return text[:end]


def _parts(text: str) -> list[str]:
    return [found for part in text.split(",") if (found := part.strip())]


def _joined(headers: Headers, name: bytes) -> str:
    return ",".join(value.decode("latin-1") for key, value in headers if key == name)
