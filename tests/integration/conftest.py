"""What most rooms of integration tests need: an open shop on a database of its own."""

from collections.abc import AsyncIterator

import pytest

from shops.report_shop import Shop, open_shop


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Shop]:
    async with open_shop(database_url) as opened:
        yield opened
