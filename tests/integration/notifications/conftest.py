"""What tests of digests and alerts need: a mail server, a webhook, and a shop that uses them."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime

import pytest

from shopalytic_server.storage.notifications.store import NotificationStore
from shops.notified_shop import Desk
from shops.report_shop import Shop
from standins.receivers import Hook, Mailbox, open_hook, open_mailbox


@pytest.fixture
async def mailbox() -> AsyncIterator[Mailbox]:
    async with open_mailbox() as opened:
        yield opened


@pytest.fixture
def hook() -> Iterator[Hook]:
    with open_hook() as opened:
        yield opened


@pytest.fixture
def desk(shop: Shop, database_url: str, mailbox: Mailbox) -> Desk:
    store = NotificationStore(shop.pool, database_url)
    return Desk(shop, store, mailbox, datetime(2026, 3, 9, 6, tzinfo=UTC))
