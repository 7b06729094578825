"""How somebody came to the shop, by the first page view of a session."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import parse_qs, urlsplit

SESSION_GAP = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class View:
    """A page view."""

    occurred_at: datetime
    url: str
    referrer: str
    context: Mapping[str, str]

    def campaign(self, name: str) -> str:
        """A campaign parameter ("utm_source"): the sender's word, else what the address says."""
        return self.context.get(name) or _query(self.url).get(name, "")


def session_start(newest_first: Sequence[View]) -> int | None:
    """Where the newest session begins; None when the views given do not reach back to its first."""
    for index in range(len(newest_first) - 1):
        if newest_first[index].occurred_at - newest_first[index + 1].occurred_at > SESSION_GAP:
            return index
    return None


def referrer_host(view: View, own: Iterable[str]) -> str:
    """Host of the page before; empty when it is one of the shop's own."""
    host = host_of(view.referrer)
    return "" if host in {host_of(view.url), *own} else host


def host_of(url: str) -> str:
    """The host in an address, in lower case and without "www."; empty when there is none."""
    try:
        return (urlsplit(url).hostname or "").removeprefix("www.")
    except ValueError:
        return ""


def _query(url: str) -> dict[str, str]:
    _, _, query = url.partition("#")[0].partition("?")
    return {name: values[0] for name, values in parse_qs(query, errors="replace").items()}
