"""Whether the identities that a browser sends are signed by the shop's backend."""

import hmac
from collections.abc import Sequence

from shopalytic.signing import sign_identity
from shopalytic.v1.events_pb2 import Event
from shopalytic.violations import Violation

RULE = "identity.signature"


def unsigned(event: Event, secrets: Sequence[str]) -> Violation | None:
    """The first identity of an event that lacks a signature made with one of the secrets, if any does."""
    claims = [(_identity_field(event), event.identity_signature, "identity_signature")]
    if event.HasField("alias"):
        claims.append((("alias.identity", event.alias.identity), event.alias_signature, "alias_signature"))
    for (field, identity), signature, name in claims:
        if identity and not _is_signed(identity, signature, secrets):
            return Violation(
                field,
                RULE,
                f"the project takes identities from browsers only with a valid {name}, which a backend makes "
                "with the identity secret (sign_identity); nothing is kept",
            )
    return None


def _identity_field(event: Event) -> tuple[str, str]:
    if event.HasField("identify"):
        return "identify.identity", event.identify.identity
    return "identity", event.identity


def _is_signed(identity: str, signature: str, secrets: Sequence[str]) -> bool:
    """Takes the same time wherever a signature is wrong."""
    given = signature.encode()
    matches = [hmac.compare_digest(sign_identity(secret, identity).encode(), given) for secret in secrets]
    return any(matches)
