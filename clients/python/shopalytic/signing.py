"""Signs identities for browsers, so that nobody can say in a page that they are somebody else."""

import hashlib
import hmac

__all__ = ["sign_identity"]


def sign_identity(secret: str, identity: str) -> str:
    """The signature that `identify` of the browser tag takes beside the identity.

    `secret` is the project's identity secret, from `shopalytic project
    identity-secret`; it must stay in the backend. Raises ValueError when either
    is empty.
    """
    if not secret or not identity:
        raise ValueError("give the project's identity secret and the identity that the browser will send")
    return hmac.new(secret.encode(), identity.encode(), hashlib.sha256).hexdigest()
