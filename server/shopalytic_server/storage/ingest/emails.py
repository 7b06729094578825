"""Which customers have which emails, as far as the events of one group decide it."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from psycopg.rows import dict_row

from shopalytic_server.domain.customers.emails import Claim, claim_of
from shopalytic_server.domain.events.prepared import Prepared
from shopalytic_server.storage.database.connections import Connection
from shopalytic_server.storage.database.queries import load

_SQL = load("ingest/emails")


class _Holders:
    """The customers who have one email as their current one, by one strength of claim."""

    __slots__ = ("changed", "customers")

    def __init__(self, customers: set[UUID]) -> None:
        self.customers = customers
        self.changed: set[UUID] = set()
        """Subjects whose emails have changed since."""


class Emails:
    """The emails that some events of one dataset give; used under the dataset's lock.

    What was asked of the store is remembered, so that a thousand events with one email
    ask for it once: after each event only what it may have changed is asked again.
    """

    def __init__(self, conn: Connection, dataset: int, *, trusted: bool) -> None:
        """`trusted`: nothing is refused, and nothing needs to be known for that."""
        self._conn = conn
        self._dataset = dataset
        self._trusted = trusted
        self._claims: dict[str, dict[UUID, Claim]] = defaultdict(dict)
        self._unproved: set[str] = set()
        self._received: dict[UUID, Any] = {}
        self._written: list[Prepared] = []
        self._subjects: set[UUID] = set()
        # By subject.
        self._customers: dict[UUID, UUID] = {}
        self._holders: dict[tuple[str, Claim], _Holders] = {}

    async def load(self, items: Iterable[Prepared]) -> None:
        """Loads who claims the emails of these events."""
        giving = [item for item in items if "email" in item.properties]
        wanted = list({item.properties["email"] for item in giving})
        if not wanted or self._trusted:
            return
        self._subjects = {item.subject for item in giving}
        for row in await self._fetch(_SQL.claims, emails=wanted):
            email = row["email"].lower()
            if row["subject"] is not None:
                self._claims[email][row["subject"]] = Claim(row["claim"])
            if row["unproved"]:
                self._unproved.add(email)

    def has_rival(self, item: Prepared) -> bool:
        """Whether others claim the event's email as strongly as it does, and none more strongly."""
        claim = claim_of(item)
        if self._trusted or claim is Claim.UNPROVED:
            return False
        others = self._claims[item.properties["email"].lower()]
        rivals = [each for subject, each in others.items() if subject != item.subject]
        return bool(rivals) and max(rivals) == claim

    def knows(self, item: Prepared) -> bool:
        """Whether `is_taken` has its answer without the store."""
        holders = self._holders.get(_key(item))
        return holders is not None and not holders.changed and item.subject in self._customers

    async def is_taken(self, item: Prepared, own: UUID | None = None) -> bool:
        """Whether another customer has the event's email as their current one, by such a claim.

        What was decided before must be written, unless it `knows`. `own` is whose the event is,
        where it may be the first that names its identity.
        """
        if own is None:
            own = await self._customer(item.subject)
        key = _key(item)
        holders = self._holders.get(key)
        if holders is None:
            claiming = await self._fetch(_SQL.claiming_customers, email=key[0])
            holders = self._holders[key] = _Holders(set())
            holders.customers = await self._holding(key, {row["customer_id"] for row in claiming})
        elif holders.changed:
            changed = {await self._customer(subject) for subject in holders.changed}
            holders.customers = holders.customers - changed | await self._holding(key, changed)
            holders.changed.clear()
        return bool(holders.customers - {own})

    def forget(self) -> None:
        """Customers were joined, or are told apart in another way: all is asked again."""
        self._customers.clear()
        self._holders.clear()
        self._subjects.clear()

    async def _customer(self, subject: UUID) -> UUID:
        if subject not in self._customers:
            # Of all at once, unless somebody was joined since.
            asked, self._subjects = self._subjects | {subject}, set()
            self._customers |= {each: each for each in asked}
            for row in await self._fetch(_SQL.customers_of_subjects, subjects=list(asked)):
                self._customers[row["subject"]] = row["customer_id"]
        return self._customers[subject]

    async def _holding(self, key: tuple[str, Claim], customers: set[UUID]) -> set[UUID]:
        asked = {"customers": list(customers), "email": key[0], "claim": int(key[1])}
        return {row["customer_id"] for row in await self._fetch(_SQL.holders_among, **asked)}

    def add(self, item: Prepared) -> None:
        """Notes the email of an event that was accepted."""
        email, claim = item.properties["email"].lower(), claim_of(item)
        self._written.append(item)
        if claim is Claim.UNPROVED:
            self._unproved.add(email)
        else:
            known = self._claims[email]
            known[item.subject] = max(claim, known.get(item.subject, claim))
            customer = self._customers.get(item.subject)
            for (held, _), holders in self._holders.items():
                # Another email can end that somebody has this one, and cannot begin it.
                if held.lower() == email or customer is None or customer in holders.customers:
                    holders.changed.add(item.subject)

    async def settle(self) -> None:
        """Takes emails from whom a stronger claim has them now; the rows of the events are written."""
        written, self._written = self._written, []
        self._received |= {item.event_id: item.received_at for item in written}
        weak = [item for item in written if claim_of(item) < Claim.BACKEND and self._is_claimed(item)]
        if weak:
            await self._run(_SQL.lose_emails, weak)
        strong = [item for item in written if claim_of(item) > Claim.UNPROVED and self._takes(item)]
        if strong:
            await self._run(_SQL.take_emails, strong)

    def _is_claimed(self, item: Prepared) -> bool:
        return self._trusted or bool(self._claims[item.properties["email"].lower()].keys() - {item.subject})

    def _takes(self, item: Prepared) -> bool:
        email = item.properties["email"].lower()
        return self._trusted or email in self._unproved or Claim.SIGNED in self._claims[email].values()

    async def _run(self, statement: str, items: Sequence[Prepared]) -> None:
        parameters = {
            "dataset": self._dataset,
            "subjects": [item.subject for item in items],
            "times": [item.occurred_at for item in items],
            "event_ids": [item.event_id for item in items],
            "emails": [item.properties["email"] for item in items],
            "claims": [int(claim_of(item)) for item in items],
            "received": [item.received_at for item in items],
            # Events of this transaction are not in `events` yet.
            "fresh_ids": list(self._received),
            "fresh_received": list(self._received.values()),
        }
        rows = await (await self._conn.execute(statement.encode(), parameters)).fetchall()
        if rows:
            subjects, times, event_ids, lost = map(list, zip(*rows, strict=True))
            noted = {"subjects": subjects, "times": times, "event_ids": event_ids, "lost": lost}
            await self._conn.execute(_SQL.note_lost, {"dataset": self._dataset, **noted})
        self._holders.clear()

    async def _fetch(self, statement: str, **parameters: Any) -> list[dict[str, Any]]:
        async with self._conn.cursor(row_factory=dict_row) as cursor:
            await cursor.execute(statement.encode(), {"dataset": self._dataset, **parameters})
            return await cursor.fetchall()


def _key(item: Prepared) -> tuple[str, Claim]:
    return item.properties["email"], claim_of(item)
