"""Device, system and browser, by what a browser says of itself."""

from functools import lru_cache
from typing import NamedTuple

import ua_parser

DESKTOP, MOBILE, TABLET = "desktop", "mobile", "tablet"

# Browsers name themselves in fewer letters; hundreds of expressions are tried on them.
MOST_LETTERS = 300


class Agent(NamedTuple):
    """What a browser runs on; empty where it is not known."""

    device: str
    os: str
    browser: str


NOTHING = Agent("", "", "")


@lru_cache(20_000)
def agent_of(user_agent: str) -> Agent:
    """The agent of a User-Agent header."""
    text = user_agent[:MOST_LETTERS]
    if not text:
        return NOTHING
    parsed = ua_parser.parse(text)
    os = parsed.os.family if parsed.os else ""
    browser = parsed.user_agent.family if parsed.user_agent else ""
    return Agent(_device(text) if os or browser else "", os, browser)


def _device(text: str) -> str:
    """By the words that browsers say it with.

    See https://developer.mozilla.org/docs/Web/HTTP/Guides/Browser_detection_using_the_user_agent:
    phones say "Mobi", and Android without it is a tablet.
    """
    if any(name in text for name in ("iPad", "Tablet", "Kindle")):
        return TABLET
    if "Mobi" in text or "iPhone" in text or "iPod" in text:
        return MOBILE
    return TABLET if "Android" in text else DESKTOP
