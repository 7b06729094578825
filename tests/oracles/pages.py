"""Where a page view came from, read with the standard library."""

from urllib.parse import parse_qs, urlsplit

from oracles.seen import Seen


def campaign(seen: Seen) -> str:
    """The context's campaign, else the one in a page's address."""
    if seen.context.get("utm_campaign"):
        return str(seen.context["utm_campaign"])
    if seen.type != "page_view":
        return ""
    query = urlsplit(seen.properties["url"]).query
    return parse_qs(query, keep_blank_values=True).get("utm_campaign", [""])[0]


def host(address: str) -> str:
    return (urlsplit(address).hostname or "").removeprefix("www.")


def landing_page(seen: Seen) -> str:
    return str(seen.properties["url"]).split("#")[0].split("?")[0]
