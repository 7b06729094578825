"""The context of an event, out of what each tool calls its parts."""

from typing import Any
from urllib.parse import parse_qsl, urlsplit

from shopalytic_server.gateway.compatibility.values import country, mapping, number, words

_CAMPAIGN = ("source", "medium", "campaign", "term", "content")
_LIMITS = {"url": 8_192, "referrer": 8_192, "user_agent": 2_000, **{f"utm_{name}": 500 for name in _CAMPAIGN}}
_LONGEST = 100
_WIDEST = 100_000
_MOST_PARAMETERS = 100


def context_of(**parts: Any) -> dict[str, Any]:
    """The parts that have a value of their type, each within its limit; the others are left out."""
    context: dict[str, Any] = {}
    for name, value in parts.items():
        if name in ("screen_width", "screen_height"):
            size = number(value)
            if size is not None and 0 <= size <= _WIDEST:
                context[name] = int(size)
        elif (text := words(value, _LIMITS.get(name, _LONGEST))) is not None:
            context[name] = text
    if context.get("referrer") == "$direct":
        del context["referrer"]
    if not any(name.startswith("utm_") for name in context):
        context |= _campaign_in(context.get("url"))
    return context


def segments(context: Any) -> dict[str, Any]:
    """The context that Segment's SDKs and RudderStack's send."""
    given = mapping(context)
    page, campaign = mapping(given.get("page")), mapping(given.get("campaign"))
    screen, library = mapping(given.get("screen")), mapping(given.get("library"))
    place = mapping(given.get("location"))
    return context_of(
        url=page.get("url"),
        referrer=page.get("referrer"),
        utm_source=campaign.get("source"),
        utm_medium=campaign.get("medium"),
        utm_campaign=campaign.get("name"),
        utm_term=campaign.get("term"),
        utm_content=campaign.get("content"),
        user_agent=given.get("userAgent"),
        language=given.get("locale"),
        screen_width=screen.get("width"),
        screen_height=screen.get("height"),
        time_zone=given.get("timezone"),
        country=country(place.get("country")),
        region=place.get("region"),
        city=place.get("city"),
        library_name=library.get("name"),
        library_version=library.get("version"),
    )


def _campaign_in(url: Any) -> dict[str, str]:
    if not isinstance(url, str) or "utm_" not in url:
        return {}
    try:
        pairs = parse_qsl(urlsplit(url).query, max_num_fields=_MOST_PARAMETERS)
    except ValueError:
        return {}
    wanted = {f"utm_{name}" for name in _CAMPAIGN}
    return {name: value[:500] for name, value in pairs if name in wanted and value}
