"""Who the synthetic visitors are: where they live, what they browse with, and how they found the shop."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import NamedTuple

from shopalytic_demo.visitors.ids import Ids

BOT_SHARE = 0.03


class _Place(NamedTuple):
    weight: int
    country: str
    city: str
    zipcode: str
    language: str
    time_zone: str
    currency: str = ""


# Of the last one the shop takes its own currency; everybody else pays in the project's.
_PLACES = (
    _Place(30, "DEU", "Leipzig", "04109", "de-DE", "Europe/Berlin"),
    _Place(18, "DEU", "Hamburg", "20095", "de-DE", "Europe/Berlin"),
    _Place(14, "AUT", "Graz", "8010", "de-AT", "Europe/Vienna"),
    _Place(12, "USA", "Portland", "97204", "en-US", "America/Los_Angeles"),
    _Place(10, "GBR", "Bristol", "BS1 4DJ", "en-GB", "Europe/London"),
    _Place(8, "FRA", "Nantes", "44000", "fr-FR", "Europe/Paris"),
    _Place(6, "NLD", "Utrecht", "3511 AA", "nl-NL", "Europe/Amsterdam"),
    _Place(6, "CHE", "Bern", "3011", "de-CH", "Europe/Zurich", "CHF"),
)
_FIRST_NAMES = (
    "Ada",
    "Ben",
    "Clara",
    "David",
    "Elif",
    "Finn",
    "Greta",
    "Hugo",
    "Ines",
    "Jonas",
    "Kaja",
    "Liam",
    "Mona",
    "Nils",
    "Olga",
    "Paul",
    "Rosa",
    "Sami",
)
_LAST_NAMES = (
    "Adler",
    "Brandt",
    "Costa",
    "Dubois",
    "Eriksen",
    "Fischer",
    "Gruber",
    "Haas",
    "Ito",
    "Jansen",
    "Keller",
    "Lind",
    "Moreau",
    "Novak",
)


class _Screen(NamedTuple):
    weight: int
    user_agent: str
    width: int
    height: int


_LINUX, _WINDOWS = "Mozilla/5.0 (X11; Linux x86_64", "Mozilla/5.0 (Windows NT 10.0; Win64; x64"
_ANDROID, _MAC = "Mozilla/5.0 (Linux; Android 10; K", "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7"
_IPHONE, _IPAD = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1", "Mozilla/5.0 (iPad; CPU OS 18_1"
_CHROME = ") AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0"
_SAFARI = " like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1"
_DEVICES = (
    _Screen(34, f"{_WINDOWS}{_CHROME} Safari/537.36", 1920, 1080),
    _Screen(24, f"{_IPHONE}{_SAFARI} Mobile/15E148 Safari/604.1", 390, 844),
    _Screen(20, f"{_ANDROID}{_CHROME} Mobile Safari/537.36", 412, 915),
    _Screen(9, f"{_LINUX}; rv:144.0) Gecko/20100101 Firefox/144.0", 1680, 1050),
    _Screen(8, f"{_MAC}{_CHROME} Safari/537.36", 1512, 982),
    _Screen(5, f"{_IPAD}{_SAFARI} Mobile/15E148 Safari/604.1", 820, 1180),
)
_BOTS = (
    _Screen(3, "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", 1024, 1024),
    _Screen(2, "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)", 1024, 1024),
    _Screen(1, f"{_LINUX}{_CHROME.replace(' Chrome', ' HeadlessChrome')} Safari/537.36", 800, 600),
)


class Arrival(NamedTuple):
    """How somebody came to the shop: the page before, and the campaign in the address."""

    weight: int
    referrer: str
    campaign: Mapping[str, str]


_LETTERS = ("winter-warmers", "spring-table", "summer-picnic", "first-frost")
"""The newsletter's campaigns, one for each quarter of the year."""
_MAIL = {"utm_source": "newsletter", "utm_medium": "email"}
_ADS = {"utm_source": "google", "utm_medium": "cpc", "utm_campaign": "mugs", "utm_term": "handmade mug"}
_POSTS = {
    "utm_source": "instagram",
    "utm_medium": "social",
    "utm_campaign": "studio-tour",
    "utm_content": "reel-3",
}
_ARRIVALS = (
    Arrival(32, "", {}),
    Arrival(28, "https://www.google.com/", {}),
    Arrival(14, "https://mail.example/", _MAIL),
    Arrival(11, "https://www.google.com/", _ADS),
    Arrival(8, "https://www.instagram.com/", _POSTS),
    Arrival(4, "https://duckduckgo.com/", {}),
    Arrival(3, "https://tea-blog.example/best-teapots", {}),
)


@dataclass(slots=True, eq=False)
class Device:
    """A browser: what it says of itself, and the tracking cookie that it was given."""

    proposed_id: str
    user_agent: str
    width: int
    height: int
    automated: bool
    cookie: str | None = None

    @property
    def tracking_id(self) -> str:
        """The id that events from here belong to."""
        return self.cookie or self.proposed_id


@dataclass(slots=True, eq=False)
class Person:
    """Somebody who visits the shop, maybe more than once and from more than one device."""

    identity: str
    email: str
    first_name: str
    last_name: str
    address: dict[str, str]
    language: str
    time_zone: str
    currency: str
    is_bot: bool
    devices: list[Device] = field(default_factory=list)
    registered: bool = False
    has_card: bool = False
    wished: set[str] = field(default_factory=set)


def new_person(rng: Random, ids: Ids) -> Person:
    """Somebody who has never been here."""
    place = rng.choices(_PLACES, [place.weight for place in _PLACES])[0]
    first, last = rng.choice(_FIRST_NAMES), rng.choice(_LAST_NAMES)
    identity = ids.short("K")
    person = Person(
        identity=identity,
        email=f"{first}.{last}.{identity[2:]}@mail.example".lower(),
        first_name=first,
        last_name=last,
        address={"city": place.city, "zipcode": place.zipcode, "country": place.country},
        language=place.language,
        time_zone=place.time_zone,
        currency=place.currency,
        is_bot=rng.random() < BOT_SHARE,
    )
    add_device(rng, ids, person)
    return person


def add_device(rng: Random, ids: Ids, person: Person) -> Device:
    """Another browser of the same person."""
    kinds = _BOTS if person.is_bot else _DEVICES
    kind = rng.choices(kinds, [kind.weight for kind in kinds])[0]
    device = Device(ids.tracking(), kind.user_agent, kind.width, kind.height, person.is_bot)
    person.devices.append(device)
    return device


def arrival(rng: Random, month: int) -> Arrival:
    """How somebody comes this time."""
    way = rng.choices(_ARRIVALS, [arrival.weight for arrival in _ARRIVALS])[0]
    if way.campaign is not _MAIL:
        return way
    return way._replace(campaign={**_MAIL, "utm_campaign": _LETTERS[(month - 1) // 3]})
