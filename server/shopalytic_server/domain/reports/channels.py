"""Which channel brought a visit, by the default channel rules that Google publishes for Analytics 4.

The rules, and the kinds of site that they speak of, are those of
https://support.google.com/analytics/answer/9756891; they are tried from the top,
case is ignored. The channels that shops seldom have (audio, SMS, push, video,
shopping, cross-network) are "other" here. What has no campaign takes the host of the
page before as its source, as Analytics does: organic from a search engine, else a
referral.

The sites are named by the part of their host that they have in every country
("google" in "www.google.co.uk"), or by a whole host where that part alone says too
little. They were chosen from Google's list of source categories, which stands on
that page; whoever adds one names it in the changelog, for numbers change by it.
"""

import re
from functools import lru_cache

DIRECT = "direct"
ORGANIC_SEARCH = "organic search"
PAID_SEARCH = "paid search"
ORGANIC_SOCIAL = "organic social"
PAID_SOCIAL = "paid social"
EMAIL = "e-mail"
REFERRAL = "referral"
AFFILIATES = "affiliates"
DISPLAY = "display"
OTHER = "other"

CHANNELS = (
    DIRECT,
    ORGANIC_SEARCH,
    PAID_SEARCH,
    ORGANIC_SOCIAL,
    PAID_SOCIAL,
    EMAIL,
    REFERRAL,
    AFFILIATES,
    DISPLAY,
    OTHER,
)

_SEARCH = frozenset(
    [
        "google",
        "bing",
        "yahoo",
        "duckduckgo",
        "baidu",
        "yandex",
        "ecosia",
        "qwant",
        "startpage",
        "naver",
        "daum",
        "seznam",
        "sogou",
        "so360",
        "ask",
        "aol",
        "lycos",
        "msn",
        "brave",
        "presearch",
        "mojeek",
        "metager",
        "swisscows",
        "coccoc",
        "rambler",
        "dogpile",
        "exalead",
        "onet",
        "wp",
        "centrum",
        "ukr",
        "biglobe",
        "nifty",
        "goo",
        "docomo",
        "virgilio",
        "tut",
        "avg",
        "babylon",
        "incredimail",
        "snapdo",
        "search.brave.com",
        "search.yahoo.com",
        "search.aol.com",
        "search.smt.docomo.ne.jp",
        "cse.google.com",
        "so.com",
        "perplexity",
        "chatgpt.com",
        "chat.openai.com",
        "gemini.google.com",
        "copilot.microsoft.com",
    ]
)
_SOCIAL = frozenset(
    [
        "facebook",
        "fb",
        "instagram",
        "ig",
        "twitter",
        "linkedin",
        "lnkd",
        "pinterest",
        "pin",
        "reddit",
        "tumblr",
        "snapchat",
        "threads",
        "bsky",
        "mastodon",
        "whatsapp",
        "telegram",
        "messenger",
        "wechat",
        "weibo",
        "vk",
        "vkontakte",
        "odnoklassniki",
        "xing",
        "quora",
        "flickr",
        "livejournal",
        "disqus",
        "meetup",
        "nextdoor",
        "discord",
        "line.me",
        "kakao",
        "yammer",
        "goodreads",
        "tripadvisor",
        "ravelry",
        "polyvore",
        "houzz",
        "x.com",
        "t.co",
        "t.me",
        "wa.me",
        "ok.ru",
        "vk.com",
        "l.facebook.com",
        "lm.facebook.com",
        "m.facebook.com",
        "l.instagram.com",
        "lnkd.in",
        "out.reddit.com",
        "old.reddit.com",
        "pin.it",
        "news.ycombinator.com",
        "hackernews",
        "stackoverflow",
        "stackexchange",
        "slashdot",
        "digg",
        "mixi",
        "ameblo",
        "bebo",
        "viadeo",
        "renren",
        "douban",
        "plurk",
        "skyrock",
        "taringa",
    ]
)
_VIDEO = frozenset(
    [
        "youtube",
        "youtu.be",
        "vimeo",
        "twitch",
        "tiktok",
        "dailymotion",
        "netflix",
        "hulu",
        "disneyplus",
        "iqiyi",
        "youku",
        "bilibili",
        "crackle",
        "curiositystream",
        "ted",
        "utreon",
        "veoh",
        "viddler",
        "rumble",
        "odysee",
    ]
)
_SHOPPING = frozenset(
    [
        "amazon",
        "ebay",
        "etsy",
        "alibaba",
        "aliexpress",
        "walmart",
        "shopzilla",
        "idealo",
        "pricegrabber",
        "mercadolibre",
        "mercadolivre",
        "rakuten",
        "zalando",
        "otto",
        "allegro",
        "bol",
        "cdiscount",
        "fnac",
        "kelkoo",
        "billiger",
        "geizhals",
        "ladenzeile",
        "ceneo",
        "heureka",
        "shopping.google.com",
        "shopping.yahoo.com",
        "temu",
        "wish",
        "flipkart",
        "shopee",
        "lazada",
        "tradera",
        "ricardo",
        "marktplaats",
    ]
)

_PAID = re.compile(r".*cp.*|ppc|retargeting|paid.*")
_SHOP_CAMPAIGN = re.compile(r".*(([^a-df-z]|^)shop|shopping).*")
_DISPLAY = frozenset({"display", "banner", "expandable", "interstitial", "cpm"})
_SOCIAL_MEDIA = frozenset(
    {"social", "social-network", "social-media", "sm", "social network", "social media"}
)
_EMAIL = frozenset({"email", "e-mail", "e_mail", "e mail"})
_REFERRAL = frozenset({"referral", "app", "link"})
_AFFILIATES = frozenset({"affiliate", "affiliates"})
_NO_MEDIUM = frozenset({"", "(not set)", "(none)"})

# Longer texts name nothing that the rules know; expressions are tried on no more.
_LONGEST = 500


@lru_cache(50_000)
def channel_of(source: str, medium: str, campaign: str, referrer_host: str) -> str:
    """The channel of a visit by its utm parameters and the host of the page before.

    All may be empty; `referrer_host` is in lower case, without "www.", and empty for
    the shop's own pages.
    """
    source, medium, campaign = (each[:_LONGEST].strip().lower() for each in (source, medium, campaign))
    if not source and not medium and not campaign and referrer_host:
        medium = "organic" if _is(referrer_host, _SEARCH) else "referral"
    source = source or referrer_host
    if source in ("", "(direct)", "direct") and medium in _NO_MEDIUM and not campaign:
        return DIRECT
    return _by_rules(source, medium, campaign)


def _by_rules(source: str, medium: str, campaign: str) -> str:
    paid = _PAID.fullmatch(medium) is not None
    in_shops = _is(source, _SHOPPING) or _SHOP_CAMPAIGN.fullmatch(campaign) is not None
    if "cross-network" in campaign or (paid and in_shops):
        return OTHER
    if medium in _DISPLAY:
        return DISPLAY
    if paid:
        return PAID_SEARCH if _is(source, _SEARCH) else PAID_SOCIAL if _is(source, _SOCIAL) else OTHER
    if in_shops:
        return OTHER
    if _is(source, _SOCIAL) or medium in _SOCIAL_MEDIA:
        return ORGANIC_SOCIAL
    if _is(source, _VIDEO) or "video" in medium:
        return OTHER
    if _is(source, _SEARCH) or medium == "organic":
        return ORGANIC_SEARCH
    if source in _EMAIL or medium in _EMAIL:
        return EMAIL
    if medium in _AFFILIATES:
        return AFFILIATES
    # A campaign without a medium that is known by no rule is a link that somebody marked.
    return REFERRAL if medium in _REFERRAL else OTHER


def _is(source: str, sites: frozenset[str]) -> bool:
    """Whether a source is one of some sites: their name, or a host of theirs."""
    if source in sites:
        return True
    labels = source.split(".")
    if len(labels) < 2 or labels[0] in _NO_SITES:
        return False
    if any(".".join(labels[start:]) in sites for start in range(1, len(labels) - 1)):
        return True
    # The name stands before the country, or before two parts that are one: google.de, google.co.uk.
    name = labels[-3] if len(labels) > 2 and len(labels[-2]) <= _SHORT else labels[-2]
    return len(name) > _SHORT and name in sites


# Parts of hosts as long as these are of co.uk and com.br, or name too many sites.
_SHORT = 3
# What a company has besides its search or its network.
_NO_SITES = frozenset({"mail", "docs", "drive", "accounts", "calendar", "meet", "ads"})
