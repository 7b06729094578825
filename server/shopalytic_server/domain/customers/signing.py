"""Whether the identities that a browser sends are signed by the shop's backend."""

import hmac
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from shopalytic.events.violations import Violation
from shopalytic.signing import sign_identity, timed_signature
from shopalytic.v1.events_pb2 import Event
from shopalytic_server.domain.formats.plain_forms import plain_form

RULE = "identity.signature"
EXPIRED_RULE = "identity.signature_expired"

# A page may stay open over a weekend, and events wait in a browser without a
# network; who sees a signature can use it no longer than that.
MAX_AGE = timedelta(days=7)
# The backend that signs and this server may differ by so much.
_CLOCKS_DIFFER = timedelta(minutes=5)

_is_timed = re.compile(r"(v1t?)\.([0-9]{1,11})\.[0-9a-f]{64}", re.ASCII).fullmatch


@dataclass(frozen=True, slots=True)
class Claim:
    """An identity that an event carries in `field`, with what was given in `name` to prove it."""

    field: str
    identity: str
    signature: str
    name: str = "identity_signature"


@dataclass(frozen=True, slots=True)
class Judge:
    """Knows the secrets of a project, newest first, and what is proved.

    `at` is when the event arrived, which ages are counted to. Identities in
    `proven` need no signature: they had one when the event arrived first. A signature
    of an address's plain form proves its other forms: they are one customer.
    """

    secrets: Sequence[str]
    at: datetime
    proven: Collection[str] = ()

    def refusal(self, claims: Iterable[Claim], tracking_id: str) -> Violation | None:
        """Why the first claim without a valid signature is refused; None if all are proved."""
        for claim in claims:
            if claim.identity and claim.identity not in self.proven:
                refused = self._refusal(claim, tracking_id)
                if refused is not None:
                    return refused
        return None

    def _refusal(self, claim: Claim, tracking_id: str) -> Violation | None:
        timed = _is_timed(claim.signature)
        forms = dict.fromkeys((claim.identity, plain_form(claim.identity)))
        if timed is None:
            made = [_alone(secret, form) for secret in self.secrets for form in forms]
        else:
            device = tracking_id if timed[1] == "v1t" else None
            made = [_timed(secret, form, int(timed[2]), device) for secret in self.secrets for form in forms]
        given = claim.signature.encode("utf-8", "replace")
        # All are compared: it takes the same time wherever a signature is wrong.
        matches = [hmac.compare_digest(each.encode(), given) for each in made if each]
        if not any(matches):
            return _unsigned(claim)
        return None if timed is None else self._too_old(claim, int(timed[2]))

    def _too_old(self, claim: Claim, seconds: int) -> Violation | None:
        signed_at = datetime.fromtimestamp(seconds, UTC)
        if self.at - MAX_AGE <= signed_at <= self.at + _CLOCKS_DIFFER:
            return None
        limit = f"are valid for {MAX_AGE.days} days"
        if signed_at > self.at:
            limit = f"may be up to {_CLOCKS_DIFFER.seconds // 60} minutes ahead of the server's clock"
        message = (
            f"its {claim.name} was made at {signed_at:%Y-%m-%dT%H:%M:%SZ} and such signatures {limit}; "
            "the page must get a new one from the shop's backend (sign_identity_now); nothing is kept"
        )
        return Violation(claim.field, EXPIRED_RULE, message)


def claims_of(event: Event) -> list[Claim]:
    """The identities that an event carries."""
    field, identity = "identity", event.identity
    if event.HasField("identify"):
        field, identity = "identify.identity", event.identify.identity
    found = [Claim(field, identity, event.identity_signature)]
    if event.HasField("identify") and event.identity:
        found.append(Claim("identity", event.identity, event.identity_signature))
    if event.HasField("alias"):
        found.append(Claim("alias.identity", event.alias.identity, event.alias_signature, "alias_signature"))
    return [claim for claim in found if claim.identity]


def _unsigned(claim: Claim) -> Violation:
    message = (
        f"the project takes identities from browsers only with a valid {claim.name}, which a backend makes "
        "with the identity secret (sign_identity_now, sign_identity); nothing is kept"
    )
    return Violation(claim.field, RULE, message)


def _alone(secret: str, identity: str) -> str:
    try:
        return sign_identity(secret, identity)
    except ValueError:
        return ""


def _timed(secret: str, identity: str, seconds: int, tracking_id: str | None) -> str:
    try:
        return timed_signature(secret, identity, seconds, tracking_id)
    except ValueError:
        return ""
