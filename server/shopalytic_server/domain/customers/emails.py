"""Whose an email is, when several say that it is theirs.

An event claims the email that it gives, as strongly as its sender can prove who
it is. These rules are about the set of events alone, so that any order of the
same ones gives the same owners:

* Where a project demands that identities are signed, a browser's event without
  a signed identity claims nothing. Its email is shown with its own customer, as
  long as nobody claims it.
* A browser's event with a signed identity claims the email, and loses it as soon
  as a backend's event of another subject gives the same.
* Of one customer's emails those that are claimed go before the others; of each
  the last one counts.

Claims of the same strength are no matter of these rules: whose came first has
the email, and the other event is refused.
"""

from enum import IntEnum

from shopalytic_server.domain.events.prepared import Prepared


class Claim(IntEnum):
    """How strong a claim to an email is."""

    UNPROVED = 0
    SIGNED = 1
    BACKEND = 2
    """Also a browser's, where the project believes browsers."""


def claim_of(item: Prepared) -> Claim:
    """How strong an event's claim to the email is that it gives."""
    if item.key_class is None or item.identity_signed is None:
        return Claim.BACKEND
    return Claim.SIGNED if item.identity_signed else Claim.UNPROVED
