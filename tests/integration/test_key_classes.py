"""What came with which class of key: remembered with each event, and never taken for more."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from ingest_answers import A, prepared, stored, words
from report_shop import Shop, event, open_shop, page
from shopalytic_server.domain.projects import DEFAULT_BROWSER_EVENT_TYPES, KeyClass


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Shop]:
    async with open_shop(database_url) as opened:
        yield replace(
            opened, project=replace(opened.project, browser_event_types=DEFAULT_BROWSER_EVENT_TYPES)
        )


@pytest.mark.parametrize(("key_class", "kept"), [(KeyClass.BROWSER, "browser"), (KeyClass.SERVER, None)])
@pytest.mark.parametrize("many", [False, True])
async def test_events_remember_the_class_of_their_key(shop, database_url, key_class, kept, many):
    person = {"email": "a@shop.test", "first_name": "Ann", "last_name": "Smith"}
    events = [page("T"), event("customer_register", person, tracking_id="T")]
    events += [page(f"T{number}") for number in range(300 * many)]
    results = await shop.writer.submit(prepared(shop, *events, key_class=key_class))
    assert set(words(list(results))) == {A}
    rows = stored(database_url, "SELECT DISTINCT type, key_class, identity_signed FROM events ORDER BY 1")
    assert rows == [("customer_register", kept, None), ("page_view", kept, None)]
