"""Who is who: facts that calls stated, and the pure rules that turn them into customers.

Facts are only ever added, or replaced by an earlier statement of the same. What
they mean is a function of the set of facts alone, so any order of the same
calls, repeated any number of times, gives the same customers:

* The owner of a tracking id is the identity of its earliest fact, in the order
  of events (`event_order`).
* An alias fact joins its identity to the customer it named: to the existing
  identity, or to the owner of the existing tracking id.
* An identity that is an e-mail address is an alias of the address's plain form
  (`plain_forms`), from its first use on, without a call that says so.
* Identities that are joined, directly or through others, are one customer.
* What an operator has undone joins nothing: a pair of an identity with a
  tracking id, or with another identity, that was taken apart stays apart,
  whenever and however often calls state it, as if none of them had been made.

One decision depends on what has arrived: an alias whose identity was already in
use, at an earlier time, by another customer is refused.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from hashlib import sha256
from typing import NamedTuple
from uuid import UUID

from shopalytic_server.domain.customers.joined import Joined
from shopalytic_server.domain.events.event_order import Place, place, position, rank, second_of
from shopalytic_server.domain.events.prepared import microseconds
from shopalytic_server.domain.formats.plain_forms import plain_form


def tracking_subject(tracking_id: str) -> UUID:
    """The subject of an event that carries this tracking id and no identity."""
    return UUID(bytes=tracking_subject_key(tracking_id))


def identity_subject(identity: str) -> UUID:
    """The subject of an event that carries this identity."""
    return UUID(bytes=identity_subject_key(identity))


def tracking_subject_key(tracking_id: str) -> bytes:
    """The 16 bytes of `tracking_subject`."""
    # In SQL: encode(substring(sha256(convert_to('t:' || tracking_id, 'UTF8')) for 16), 'hex')::uuid
    return sha256(b"t:" + tracking_id.encode()).digest()[:16]


def identity_subject_key(identity: str) -> bytes:
    """The 16 bytes of `identity_subject`."""
    return sha256(b"i:" + identity.encode()).digest()[:16]


class Fact(NamedTuple):
    """When something was stated, and by which kind of call; facts compare in the order of events."""

    occurred_at: datetime
    event_id: UUID
    received_at: datetime
    kind: str = "identify"
    tie_breaker: int | None = None

    @property
    def order(self) -> Place:
        """What facts are compared by."""
        return place(rank(self.kind), microseconds(self.occurred_at), self.tie_breaker, self.event_id.bytes)


class Anchor(NamedTuple):
    """The customer an alias names: by identity, or else by tracking id (the other is empty)."""

    identity: str
    tracking_id: str


class Outcome(Enum):
    """What identifying did; the names are those of LinkOutcome."""

    LINKED = 1
    ALREADY_LINKED = 2
    MERGED = 3
    NOT_MERGED = 4
    UNDONE = 5


class IdentityTaken(Exception):
    """The alias belongs to another customer already."""


@dataclass(slots=True)
class IdentityGraph:
    """The facts around the identities and tracking ids that some calls name.

    Whoever fills it gives every fact of each tracking id in it, and every
    identity of each customer in it. `changed_*` tell what to store afterwards.
    """

    links: dict[str, dict[str, Fact]] = field(default_factory=dict)
    aliases: dict[str, dict[Anchor, Fact]] = field(default_factory=dict)
    first_at: dict[str, datetime] = field(default_factory=dict)
    first_uses: dict[str, Place] = field(default_factory=dict)
    """Where identities were used first, of those for which the time alone does not tell who was before."""
    undone: set[tuple[str, Anchor]] = field(default_factory=set)
    changed_links: set[tuple[str, str]] = field(default_factory=set)
    changed_aliases: set[tuple[str, Anchor]] = field(default_factory=set)
    # What follows from the facts, once it was asked for; `reset` forgets it.
    _joined: Joined | None = None
    _owners: dict[str, str | None] = field(default_factory=dict)

    def reset(self) -> None:
        """Forgets what was worked out: whoever changes the facts by hand calls it."""
        self._joined = None
        self._owners.clear()

    def owner(self, tracking_id: str) -> str | None:
        """The identity that a tracking id belongs to; None while nobody was named."""
        if tracking_id not in self._owners:
            self._owners[tracking_id] = self._earliest(tracking_id)
        return self._owners[tracking_id]

    def _earliest(self, tracking_id: str) -> str | None:
        facts = self.links.get(tracking_id)
        if not facts:
            return None
        anchor = Anchor("", tracking_id)
        valid = [identity for identity in facts if (identity, anchor) not in self.undone]
        return min(valid, key=lambda identity: facts[identity].order, default=None)

    def seen(self, identity: str, occurred_at: datetime, use: Place) -> None:
        """Notes that an event carried or named this identity, and so its plain form."""
        known = self.first_at.get(identity)
        self.first_uses[identity] = min(use, self.first_uses.get(identity, use))
        if known is None or occurred_at < known:
            self.first_at[identity] = occurred_at
        plain = plain_form(identity)
        if plain != identity:
            self.seen(plain, occurred_at, use)
        if known is None and self._joined is not None:
            self._joined.add(identity)
            if self._known_as(identity) != identity:
                self._joined.join(identity, plain)

    def name_plain_forms(self) -> None:
        """Notes the plain forms of all identities that are noted: they are in use as early as these."""
        for identity, first_at in list(self.first_at.items()):
            plain = plain_form(identity)
            if plain != identity:
                self.first_at[plain] = min(first_at, self.first_at.get(plain, first_at))

    def _known_as(self, identity: str) -> str:
        """The plain form of an identity, unless an operator took it apart from that."""
        plain = plain_form(identity)
        return identity if (identity, Anchor(plain, "")) in self.undone else plain

    def customer(self, identity: str) -> str:
        """The identity that stands for the customer this one is part of, or would be if it was used."""
        known = identity if identity in self.first_at else self._known_as(identity)
        return self._all_joined().head(known)

    def customers(self) -> dict[str, str]:
        """For each identity here, the identity that stands for its customer."""
        joined = self._all_joined()
        return {identity: joined.head(identity) for identity in joined.all()}

    def _all_joined(self) -> Joined:
        if self._joined is None:
            self._joined = _joined_in(self)
        return self._joined

    def knows_link(self, tracking_id: str, identity: str, fact: Fact) -> bool:
        """Whether stating this link again would change nothing."""
        known = self.links.get(tracking_id, {}).get(identity)
        return known is not None and known.order <= fact.order

    def identify(self, tracking_id: str, identity: str, fact: Fact, *, has_past: bool) -> Outcome:
        """States that a tracking id is used by an identity.

        `has_past`: whether events of the tracking id are stored already.
        """
        is_new = identity not in self.first_at and self._known_as(identity) not in self.first_at
        self.seen(identity, fact.occurred_at, fact.order)
        before = self.owner(tracking_id)
        self._add_link(tracking_id, identity, fact)
        after = self.owner(tracking_id)
        if after is None or self.customer(after) != self.customer(identity):
            undone = (identity, Anchor("", tracking_id)) in self.undone
            return Outcome.UNDONE if undone else Outcome.NOT_MERGED
        if before is not None and self.customer(before) == self.customer(identity):
            return Outcome.ALREADY_LINKED
        return Outcome.MERGED if has_past and not is_new else Outcome.LINKED

    def alias(self, identity: str, anchor: Anchor, fact: Fact, *, trusted: bool = False) -> Outcome:
        """States that the customer named by `anchor` has a further identity.

        Raises IdentityTaken when another customer used it at an earlier time,
        unless the fact is `trusted` because it was accepted before, or was undone.
        """
        existing = anchor.identity or self.owner(anchor.tracking_id)
        joined = existing is not None and self.customer(existing) == self.customer(identity)
        undone = (identity, anchor) in self.undone
        if not (joined or trusted or undone) and self._used_before(self._known_as(identity), fact):
            raise IdentityTaken
        if anchor.identity:
            self.seen(anchor.identity, fact.occurred_at, fact.order)
        else:
            self._add_link(anchor.tracking_id, identity, fact)
        self.seen(identity, fact.occurred_at, fact.order)
        facts = self.aliases.setdefault(identity, {})
        if anchor not in facts or fact.order < facts[anchor].order:
            facts[anchor] = fact
            self.changed_aliases.add((identity, anchor))
            if self._joined is not None:
                _join(self, self._joined, identity, anchor)
        if joined:
            return Outcome.ALREADY_LINKED
        return Outcome.UNDONE if undone else Outcome.LINKED

    def is_doubtful(self, identity: str, occurred_at: datetime) -> bool:
        """Whether it takes `first_uses` to know if an identity was used before an event of this time."""
        first_at = self.first_at.get(identity)
        return first_at is not None and _second(first_at) == _second(occurred_at)

    def _used_before(self, identity: str, fact: Fact) -> bool:
        """Whether the time says so, and within a second the order of events too: a doubt refuses nothing."""
        first_at = self.first_at.get(identity)
        if first_at is None or first_at >= fact.occurred_at:
            return False
        if not self.is_doubtful(identity, fact.occurred_at):
            return True
        return identity in self.first_uses and self.first_uses[identity] < fact.order

    def undo(self, identity: str, anchor: Anchor) -> None:
        """Takes an identity apart from what calls joined it to."""
        self.undone.add((identity, anchor))
        if anchor.tracking_id:
            facts = self.links.get(anchor.tracking_id, {})
            self.changed_links |= {(anchor.tracking_id, linked) for linked in facts}
        self.reset()

    def _add_link(self, tracking_id: str, identity: str, fact: Fact) -> None:
        if self.knows_link(tracking_id, identity, fact):
            return
        before = self.owner(tracking_id)
        facts = self.links.setdefault(tracking_id, {})
        facts[identity] = fact
        self.changed_links.add((tracking_id, identity))
        if (identity, Anchor("", tracking_id)) in self.undone or before == identity:
            return
        if before is None or fact.order < facts[before].order:
            self._owners[tracking_id] = identity
            if self._joined is not None and tracking_id in self._joined.anchors:
                # Aliases that name the device's customer name another one now.
                self._joined = None


def _second(at: datetime) -> int:
    return second_of(position(0, microseconds(at)))


def _joined_in(graph: IdentityGraph) -> Joined:
    joined = Joined()
    for identity in graph.first_at:
        joined.add(identity)
        plain = plain_form(identity)
        if plain != identity:
            _join(graph, joined, identity, Anchor(plain, ""))
    for identity, anchors in graph.aliases.items():
        for anchor in anchors:
            _join(graph, joined, identity, anchor)
    return joined


def _join(graph: IdentityGraph, joined: Joined, identity: str, anchor: Anchor) -> None:
    if anchor.tracking_id:
        joined.anchors.add(anchor.tracking_id)
    existing = _joined_to(identity, anchor, graph)
    if existing is not None:
        joined.join(identity, existing)


def _joined_to(identity: str, anchor: Anchor, graph: IdentityGraph) -> str | None:
    """The other identity that an alias joins an identity to, if it does."""
    if (identity, anchor) in graph.undone:
        return None
    existing = anchor.identity or graph.owner(anchor.tracking_id)
    return existing if existing != identity else None
