"""The tracking cookie: reading it, and the header that sets it."""

import hashlib
import ipaddress
import re
import uuid
from functools import lru_cache

from publicsuffixlist import PublicSuffixList
from starlette.types import Scope

MAX_AGE_SECONDS = 400 * 24 * 3600
"""400 days, the longest that browsers keep a cookie."""

_VALID_ID = re.compile(r"[0-9A-Za-z_-]{16,64}")
_LABEL = "[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
# RFC 9562: which bits of a UUID are its version and variant, and what they are in one of version 5.
_PLAIN_BITS = ~(0xF << 76 | 0x3 << 62)
_VERSION_5 = 5 << 76 | 0x2 << 62
_HOST = re.compile(rf"(?=.{{1,253}}$){_LABEL}([.]{_LABEL})*")


def prepare_domains() -> None:
    """Reads the list of public suffixes, which takes tens of milliseconds, before somebody waits for it."""
    _public_suffixes()


@lru_cache(maxsize=1)
def _public_suffixes() -> PublicSuffixList:
    return PublicSuffixList()


def is_tracking_id(value: object) -> bool:
    """Whether this can be the value of the tracking cookie."""
    return isinstance(value, str) and _VALID_ID.fullmatch(value) is not None


def read_cookie(scope: Scope, name: str) -> str | None:
    """The visitor's tracking id as the browser sent it; None if there is none, or none that is valid."""
    for key, value in scope["headers"]:
        if key != b"cookie":
            continue
        for found in _cookies_of(name).findall(value):
            tracking_id = str(found, "latin-1").strip()
            if is_tracking_id(tracking_id):
                return tracking_id
    return None


# All others are passed over in one go: a stranger may send tens of thousands.
@lru_cache(maxsize=16)
def _cookies_of(name: str) -> re.Pattern[bytes]:
    return re.compile(rb"(?:^|;)\s*" + re.escape(name.encode()) + rb"=([^;]{0,100})(?=;|$)")


def new_tracking_id(token: str, event_id: str | None) -> str:
    """An id for a visitor who has none yet.

    It follows from the first event: when the answer to a visitor's first
    request is lost, the browser has no cookie and sends the same events again.
    A random id would then make them other events under the same event ids, and
    the collector would report a CONFLICT instead of a DUPLICATE. The key is in
    it so that two projects never share an id.
    """
    if event_id is None:
        return str(uuid.uuid4())
    # A UUID of version 5, which uuid.uuid5 takes five times as long to make.
    digest = hashlib.sha1(_namespace(token) + event_id.lower().encode(), usedforsecurity=False).digest()
    number = int.from_bytes(digest[:16]) & _PLAIN_BITS | _VERSION_5
    text = f"{number:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


@lru_cache(maxsize=1024)
def _namespace(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()[:16]


@lru_cache(maxsize=1024)
def cookie_domain(host: str) -> str | None:
    """The domain that a shop's sub-domains share, or None where the cookie must stay with its host.

    A public suffix (`co.uk`, `github.io`) belongs to many owners: a cookie for
    it would be everybody's, and browsers refuse it.
    """
    if not _HOST.fullmatch(host) or "." not in host:
        return None
    try:
        ipaddress.ip_address(host)
    except ValueError:
        domain = _public_suffixes().privatesuffix(host)
        return str(domain) if domain else None
    return None


@lru_cache(maxsize=1024)
def shared_domain(host: str, page: str | None, *, one_site: bool) -> str | None:
    """The domain of a cookie that the shop's sub-domains share, or None where it must stay with its host.

    `host` is what we take for the host that was asked, `page` the host of the
    page that asked, None if it is not known. A browser throws away a cookie for
    a domain that the asked host is not under, so a domain that the page is not
    under either is never named: a proxy may have replaced the host. `one_site`:
    the browser says that page and host are of one site (Sec-Fetch-Site), so that
    the page tells the domain whatever the proxies did to the host.
    """
    domain = cookie_domain(page if page is not None and one_site else host)
    if domain is None or page is None or page == domain or page.endswith(f".{domain}"):
        return domain
    return None


def set_cookie(
    name: str,
    tracking_id: str,
    *,
    domain: str | None,
    secure: bool,
    seconds: int = MAX_AGE_SECONDS,
) -> bytes:
    """The value of Set-Cookie; without a domain it is the host's alone, and 0 `seconds` end it.

    Not HttpOnly: the id is no secret, and shops read it for their own calls.
    """
    parts = [f"{name}={tracking_id}", f"Max-Age={seconds}", "Path=/", "SameSite=Lax"]
    if domain is not None:
        parts.append(f"Domain={domain}")
    if secure:
        parts.append("Secure")
    return "; ".join(parts).encode("ascii")
