"""Tells robots from people, by what they say of themselves."""

from functools import lru_cache

from crawleruseragents import is_crawler


def is_bot(user_agent: str, *, automated: bool) -> bool:
    """Whether an event is a robot's: by its user agent, or because its browser says that a program drives it.

    An event without a user agent is a backend's, and no robot's.
    """
    return automated or (bool(user_agent) and _known(user_agent))


# The list is a few hundred patterns, and a shop sees the same user agents over
# and over.
@lru_cache(20_000)
def _known(user_agent: str) -> bool:
    return bool(is_crawler(user_agent))
