"""Loads the facts of identity that some calls need, and stores what the calls added."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from psycopg.rows import dict_row

from shopalytic_server.domain.customers.identity import (
    Anchor,
    Fact,
    IdentityGraph,
    Outcome,
    identity_subject,
    tracking_subject,
)
from shopalytic_server.domain.events.event_order import Place
from shopalytic_server.domain.formats.plain_forms import is_plain, plain_form
from shopalytic_server.storage.database.connections import Connection
from shopalytic_server.storage.database.queries import load

_SQL = load("ingest/identities")


class StoredIdentities:
    """An IdentityGraph of one dataset, with what the store holds of it."""

    def __init__(self, dataset: int, *, noted: bool = True) -> None:
        """Without `noted` nobody is told of customers that change: all of them are made anew."""
        self.graph = IdentityGraph()
        self._noted = noted
        self._dataset = dataset
        self._stored: dict[str, tuple[UUID, datetime]] = {}
        self._owners: dict[str, str | None] = {}

    def customer_id(self, identity: str) -> UUID:
        """The customer that an identity of the graph is part of."""
        return identity_subject(self.graph.customer(identity))

    def unchanged_outcome(self, identity: str, anchor: Anchor | None) -> tuple[Outcome, UUID]:
        """How a call that changes nothing is answered: the outcome, and the identity's customer."""
        return self._unchanged_outcome(identity, anchor), self.customer_id(identity)

    def _unchanged_outcome(self, identity: str, anchor: Anchor | None) -> Outcome:
        if anchor is None:
            return Outcome.ALREADY_LINKED
        existing = anchor.identity or self.graph.owner(anchor.tracking_id)
        if existing is not None and self.graph.customer(existing) == self.graph.customer(identity):
            return Outcome.ALREADY_LINKED
        if (identity, anchor) in self.graph.undone:
            return Outcome.UNDONE
        return Outcome.ALREADY_LINKED if existing is None else Outcome.NOT_MERGED

    async def load(self, conn: Connection, tracking_ids: Iterable[str], identities: Iterable[str]) -> None:
        """Loads the facts around these, until nothing more hangs on them."""
        known_ids: set[str] = set()
        known_identities: set[str] = set()
        new_ids, new_identities = set(tracking_ids), set(identities)
        new_identities |= set(map(plain_form, new_identities))
        while new_ids or new_identities:
            known_ids |= new_ids
            known_identities |= new_identities
            new_identities |= await self._load_links(conn, new_ids, known_identities)
            known_identities |= new_identities
            new_identities |= await self._load_members(conn, new_identities)
            known_identities |= new_identities
            linked_identities, linked_ids = await self._load_aliases(conn, known_identities, known_ids)
            linked_identities |= set(map(plain_form, known_identities | linked_identities))
            new_identities = linked_identities - known_identities
            new_ids = linked_ids - known_ids
        await self._load_undone_forms(conn, known_identities)
        self.graph.name_plain_forms()
        self.graph.reset()
        self._owners |= {tracking_id: self.graph.owner(tracking_id) for tracking_id in known_ids}

    async def _load_links(self, conn: Connection, ids: set[str], identities: set[str]) -> set[str]:
        subjects = [tracking_subject(tracking_id) for tracking_id in ids]
        rows = await self._fetch(conn, _SQL.links, subjects=subjects, identities=list(identities))
        for row in rows:
            fact = Fact(
                row["occurred_at"], row["event_id"], row["received_at"], row["kind"], row["tie_breaker"]
            )
            self.graph.links.setdefault(row["tracking_id"], {})[row["identity"]] = fact
            if row["undone"]:
                self.graph.undone.add((row["identity"], Anchor("", row["tracking_id"])))
        return {row["identity"] for row in rows}

    async def _load_members(self, conn: Connection, identities: set[str]) -> set[str]:
        rows = await self._fetch(conn, _SQL.members, identities=list(identities))
        for row in rows:
            self._stored[row["identity"]] = (row["customer_id"], row["first_at"])
            self.graph.first_at[row["identity"]] = row["first_at"]
        return {row["identity"] for row in rows}

    async def _load_aliases(
        self, conn: Connection, identities: set[str], ids: set[str]
    ) -> tuple[set[str], set[str]]:
        rows = await self._fetch(conn, _SQL.aliases, identities=list(identities), tracking_ids=list(ids))
        for row in rows:
            anchor = Anchor(row["existing_identity"], row["existing_tracking_id"])
            fact = Fact(row["occurred_at"], row["event_id"], row["received_at"], "alias", row["tie_breaker"])
            self.graph.aliases.setdefault(row["identity"], {})[anchor] = fact
            if row["undone"]:
                self.graph.undone.add((row["identity"], anchor))
        found = {row["identity"] for row in rows} | {row["existing_identity"] for row in rows}
        return found - {""}, {row["existing_tracking_id"] for row in rows} - {""}

    async def _load_undone_forms(self, conn: Connection, identities: set[str]) -> None:
        forms = [identity for identity in identities if not is_plain(identity)]
        if forms:
            rows = await self._fetch(conn, _SQL.undone_forms, identities=forms)
            self.graph.undone |= {(row["identity"], Anchor(row["existing_identity"], "")) for row in rows}

    async def load_first_uses(self, conn: Connection, calls: Iterable[tuple[str, datetime]]) -> None:
        """Loads where the identities that aliases name were used first, where their times do not tell."""
        named = {(name, at) for identity, at in calls for name in (identity, plain_form(identity))}
        doubtful = {identity for identity, at in named if self.graph.is_doubtful(identity, at)}
        if not doubtful:
            return
        doubtful |= {identity for identity in self.graph.first_at if plain_form(identity) in doubtful}
        uses = self.graph.first_uses
        for row in await self._fetch(conn, _SQL.first_uses, identities=list(doubtful)):
            use = Place(row["place"], row["tie_breaker"], row["event_id"].bytes)
            for name in (row["identity"], plain_form(row["identity"])):
                uses[name] = min(use, uses.get(name, use))

    async def load_undone(self, conn: Connection) -> None:
        """Loads all that was undone: for a graph that begins without facts."""
        for row in await self._fetch(conn, _SQL.undone):
            anchor = Anchor(row["existing_identity"], row["existing_tracking_id"])
            self.graph.undone.add((row["identity"], anchor))

    async def load_all_links(self, conn: Connection, tracking_id: str) -> None:
        """Loads the facts around all identities that a tracking id was ever linked to."""
        rows = await self._fetch(conn, _SQL.linked_identities, subject=tracking_subject(tracking_id))
        await self.load(conn, [tracking_id], [row["identity"] for row in rows])

    async def with_events(self, conn: Connection, tracking_ids: Iterable[str]) -> set[str]:
        """Those tracking ids that have stored events without an identity."""
        by_subject = {tracking_subject(tracking_id): tracking_id for tracking_id in tracking_ids}
        rows = await self._fetch(conn, _SQL.subjects_with_events, subjects=list(by_subject))
        return {by_subject[row["subject"]] for row in rows}

    async def save(self, conn: Connection) -> None:
        """Stores what was added to the graph since it was loaded or saved."""
        if self._noted:
            await self._note_customers(conn)
        await self._save_identities(conn)
        if self.graph.changed_links:
            await self._save_links(conn)
        if self.graph.changed_aliases:
            await self._save_aliases(conn)

    async def _note_customers(self, conn: Connection) -> None:
        """Notes whose customer the subjects are that change theirs now."""
        joined = []
        for identity in self.graph.first_at:
            before = self._stored.get(identity)
            if self.customer_id(identity) != (before[0] if before else identity_subject(identity)):
                joined.append(identity)
        linked = {tracking_id for tracking_id, _ in self.graph.changed_links}
        linked = {each for each in linked if self._owners.get(each) != self.graph.owner(each)}
        if joined or linked:
            subjects = [*map(identity_subject, joined), *map(tracking_subject, linked)]
            await conn.execute(
                _SQL.note_customers, {"dataset": self._dataset, "subjects": subjects, "identities": joined}
            )

    async def _save_identities(self, conn: Connection) -> None:
        changed = {}
        for identity, first_at in self.graph.first_at.items():
            row = (self.customer_id(identity), first_at)
            if self._stored.get(identity) != row:
                changed[identity] = row
        if not changed:
            return
        names = sorted(changed)
        await conn.execute(
            _SQL.upsert_identities,
            {
                "dataset": self._dataset,
                "identities": names,
                "subjects": [identity_subject(name) for name in names],
                "customer_ids": [changed[name][0] for name in names],
                "first_at": [changed[name][1] for name in names],
            },
        )
        self._stored.update(changed)

    async def _save_links(self, conn: Connection) -> None:
        links = sorted(self.graph.changed_links)
        ids = sorted({tracking_id for tracking_id, _ in links})
        owners = {tracking_id: self.graph.owner(tracking_id) for tracking_id in ids}
        moved = [
            tracking_id
            for tracking_id in ids
            if self._owners.get(tracking_id) not in (None, owners[tracking_id])
        ]
        if moved:
            subjects = [tracking_subject(tracking_id) for tracking_id in moved]
            parameters = {"subjects": subjects, "owners": [owners[tracking_id] for tracking_id in moved]}
            await conn.execute(_SQL.release_owners, {"dataset": self._dataset, **parameters})
        facts = [self.graph.links[tracking_id][identity] for tracking_id, identity in links]
        await conn.execute(
            _SQL.upsert_links,
            {
                "dataset": self._dataset,
                "subjects": [tracking_subject(tracking_id) for tracking_id, _ in links],
                "identities": [identity for _, identity in links],
                "tracking_ids": [tracking_id for tracking_id, _ in links],
                "kinds": [fact.kind for fact in facts],
                "owners": [owners[tracking_id] == identity for tracking_id, identity in links],
                **_columns(facts),
            },
        )
        self._owners.update(owners)
        self.graph.changed_links.clear()

    async def _save_aliases(self, conn: Connection) -> None:
        aliases = sorted(self.graph.changed_aliases)
        facts = [self.graph.aliases[identity][anchor] for identity, anchor in aliases]
        await conn.execute(
            _SQL.upsert_aliases,
            {
                "dataset": self._dataset,
                "identities": [identity for identity, _ in aliases],
                "existing_identities": [anchor.identity for _, anchor in aliases],
                "existing_tracking_ids": [anchor.tracking_id for _, anchor in aliases],
                **_columns(facts),
            },
        )
        self.graph.changed_aliases.clear()

    async def _fetch(self, conn: Connection, statement: str, **parameters: Any) -> list[dict[str, Any]]:
        async with conn.cursor(row_factory=dict_row) as cursor:
            await cursor.execute(statement, {"dataset": self._dataset, **parameters})
            return await cursor.fetchall()


def _columns(facts: list[Fact]) -> dict[str, list[Any]]:
    return {
        "occurred": [fact.occurred_at for fact in facts],
        "tie_breakers": [fact.tie_breaker for fact in facts],
        "event_ids": [fact.event_id for fact in facts],
        "received": [fact.received_at for fact in facts],
    }


class Form(NamedTuple):
    """An identity that is another form of an address; forms have an order."""

    dataset: int
    identity: str
    plain: str


FIRST_FORM = Form(-1, "", "")
"""Before all others."""


async def forms_apart(conn: Connection, dataset: int, identities: Iterable[str]) -> list[Form]:
    """Which of these identities are forms that stand apart from the plain one."""
    parameters = {"dataset": dataset, "identities": sorted(identities)}
    return [Form(*row) for row in await (await conn.execute(_SQL.forms_apart, parameters)).fetchall()]


async def all_forms_apart(
    conn: Connection, *, after: Form = FIRST_FORM, most: int | None = None
) -> list[Form]:
    """The forms after one that stand apart from the plain one, in their order; no more than `most`."""
    parameters = {
        "after_dataset": after.dataset,
        "after_plain": after.plain,
        "after_identity": after.identity,
        "most": most,
    }
    return [Form(*row) for row in await (await conn.execute(_SQL.all_forms_apart, parameters)).fetchall()]


async def join_forms(conn: Connection, forms: Iterable[Form], *, noted: bool = True) -> None:
    """Joins forms of addresses to the plain ones. Who calls it has locked their datasets.

    See StoredIdentities for `noted`.
    """
    apart: dict[int, list[str]] = {}
    for form in forms:
        apart.setdefault(form.dataset, []).append(form.identity)
    for dataset, identities in apart.items():
        stored = StoredIdentities(dataset, noted=noted)
        await stored.load(conn, [], identities)
        await stored.save(conn)


async def forget_unused(conn: Connection, dataset: int, subjects: Iterable[UUID]) -> None:
    """Removes identities that nothing names any more, and tells anew when the others were first named.

    Their plain forms likewise. Who calls it keeps others from naming them meanwhile.
    """
    named = set(subjects)
    cursor = await conn.execute(_SQL.plain_subjects, {"dataset": dataset, "subjects": list(named)})
    named |= {row[0] for row in await cursor.fetchall()}
    values: dict[str, Any] = {"dataset": dataset, "subjects": list(named)}
    found = await (await conn.execute(_SQL.earliest_events, values)).fetchall()
    values |= {"used": [subject for subject, _ in found], "earliest": [at for _, at in found]}
    for statement in (_SQL.forget_unused_identities, _SQL.refresh_first_at):
        for forms in (True, False):
            await conn.execute(statement, {**values, "forms": forms})
