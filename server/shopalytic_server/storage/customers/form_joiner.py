"""Joins addresses that are stored in several forms, in the background of a server.

Ingest joins each form of an address to the plain one when it comes. What is joined here
came to a version before that, also to one that runs beside this one during an upgrade.
Each step is a transaction of its own: whoever is stopped goes on where nothing is joined.
"""

import logging

import psycopg

from shopalytic_server.background.periodic import Periodic
from shopalytic_server.domain.errors import StoreUnavailable
from shopalytic_server.storage.database.connections import ROLLED_BACK, translated
from shopalytic_server.storage.database.queries import load
from shopalytic_server.storage.database.sessions import Session, alone, connect
from shopalytic_server.storage.ingest.decisions import lock_dataset
from shopalytic_server.storage.ingest.identities import (
    FIRST_FORM,
    Form,
    all_forms_apart,
    forms_apart,
    join_forms,
)

log = logging.getLogger(__name__)

_SQL = load("customers/merges")
# Servers that were started together do not begin together.
_FIRST_SECONDS = (1.0, 5.0)
# Servers of the version before may go on for as long as an upgrade takes.
_PAUSE_SECONDS = (1500.0, 2100.0)
_AT_ONCE = 200


class FormJoiner:
    """Looks for forms that stand apart, at the start and every half hour; of several servers one joins."""

    def __init__(self, database_url: str) -> None:
        self._database_url = database_url
        self._periodic = Periodic("form-joiner", self._join, _PAUSE_SECONDS, first=_FIRST_SECONDS)

    def start(self) -> None:
        """Begin, in a few seconds."""
        self._periodic.start()

    async def stop(self) -> None:
        """End; what was not joined is when a server runs again."""
        await self._periodic.stop()

    async def _join(self) -> None:
        try:
            with translated():
                await join_stored_forms(self._database_url)
        except (StoreUnavailable, *ROLLED_BACK):
            pass  # The probe tells, and the next round goes on.
        except psycopg.Error as error:
            log.warning("Forms of addresses could not be joined: %s [forms_failed]", error.sqlstate)


async def join_stored_forms(database_url: str) -> int:
    """Joins the forms of addresses that stand apart from the plain ones; how many these were."""
    async with alone(database_url, "form_joiner", wait=False) as is_alone:
        if not is_alone:
            return 0
        async with await connect(database_url) as session:
            return await _join(session)


async def _join(session: Session) -> int:
    after, joined = FIRST_FORM, 0
    while forms := await all_forms_apart(session, after=after, most=_AT_ONCE):
        for dataset in sorted({form.dataset for form in forms}):
            own = [form for form in forms if form.dataset == dataset]
            await _join_in(session, dataset, own)
        after, joined = forms[-1], joined + len(forms)
    if joined:
        log.info("%s forms of e-mail addresses were joined to their plain form. [forms_joined]", joined)
    return joined


async def _join_in(session: Session, dataset: int, forms: list[Form]) -> None:
    async with session.transaction():
        await session.execute(_SQL.keep_rebuilds_away)
        await lock_dataset(session, dataset)
        # Somebody may have joined or forgotten some meanwhile.
        names = [form.identity for form in forms]
        await join_forms(session, await forms_apart(session, dataset, names))
