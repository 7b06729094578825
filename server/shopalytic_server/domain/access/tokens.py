"""Tokens that callers get and bring back: where the next page begins, and which events are behind a number.

A token is signed with a secret of the project, so that what comes back is what was given: HMAC-SHA256
(RFC 2104), cut to 128 bits. It is not secret, and gives no access that the caller's key does not give.
"""

import base64
import hashlib
import hmac

_SIGNATURE_BYTES = 16


def write(secret: bytes, body: bytes, *about: bytes) -> str:
    """The token of `body`, good only for what it is `about`; raises ValueError without a secret."""
    if not secret:
        raise ValueError("a token is signed with a secret")
    return _encode(_signature(secret, body, about) + body)


def read(secret: bytes, token: str, *about: bytes) -> bytes | None:
    """The body of a token that was written with the same secret about the same; else None."""
    try:
        data = base64.b64decode(token.encode() + b"=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except ValueError:
        return None
    signature, body = data[:_SIGNATURE_BYTES], data[_SIGNATURE_BYTES:]
    is_ours = hmac.compare_digest(signature, _signature(secret, body, about))
    # One token has one form: the last letter of base64 has bits that say nothing.
    return body if is_ours and secret and _encode(data) == token else None


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _signature(secret: bytes, body: bytes, about: tuple[bytes, ...]) -> bytes:
    signed = hmac.new(secret, digestmod=hashlib.sha256)
    for part in (*about, body):
        signed.update(len(part).to_bytes(8) + part)
    return signed.digest()[:_SIGNATURE_BYTES]
