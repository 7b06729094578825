"""Signs identities for browsers, so that nobody can say in a page that they are somebody else."""

import hashlib
import hmac
import time
from datetime import datetime

__all__ = ["sign_identity", "sign_identity_now"]

# What a message that carries a time begins with. No identity that is signed alone
# may look like one.
_TIMED = "shopalytic.identity.v1\n"


def sign_identity_now(
    secret: str, identity: str, *, tracking_id: str | None = None, at: datetime | None = None
) -> str:
    """The signature that `identify` of the browser tag takes beside the identity; it is valid for seven days.

    With a `tracking_id`, the value of the tag's cookie, it is valid for that
    browser alone. `at` is an aware time (absent: the clock). `secret` is the
    project's identity secret, from `shopalytic project identity-secret`; it must
    stay in the backend. Raises ValueError when the secret or the identity is
    empty, or the tracking id is empty or has a line break.
    """
    seconds = int(time.time() if at is None else at.timestamp())
    return timed_signature(secret, identity, seconds, tracking_id)


def timed_signature(secret: str, identity: str, seconds: int, tracking_id: str | None = None) -> str:
    """`v1.SECONDS.HMAC`, or `v1t.SECONDS.HMAC` with a tracking id; the time is in Unix seconds.

    The HMAC is the SHA-256 one, in hexadecimal, of four lines:
    `shopalytic.identity.v1`, the seconds, the tracking id or nothing, and the
    identity.
    """
    if tracking_id is not None and (not tracking_id or "\n" in tracking_id):
        raise ValueError("the tracking id is empty or has a line break; give the value of the tag's cookie")
    kind = "v1" if tracking_id is None else "v1t"
    message = f"{_TIMED}{seconds}\n{tracking_id or ''}\n{_checked(secret, identity)}"
    return f"{kind}.{seconds}.{_hmac(secret, message)}"


def sign_identity(secret: str, identity: str) -> str:
    """A signature of the identity alone, which is valid for as long as the secret is.

    Whoever sees one may use it for ever, in any browser: prefer
    `sign_identity_now`. Raises ValueError when the secret or the identity is
    empty, and for an identity that looks like a message of the other form.
    """
    if identity.startswith(_TIMED):
        raise ValueError("such an identity cannot be signed without a time; use sign_identity_now")
    return _hmac(secret, _checked(secret, identity))


def _checked(secret: str, identity: str) -> str:
    if not secret or not identity:
        raise ValueError("give the project's identity secret and the identity that the browser will send")
    return identity


def _hmac(secret: str, message: str) -> str:
    return hmac.new(secret.encode(), message.encode(), hashlib.sha256).hexdigest()
