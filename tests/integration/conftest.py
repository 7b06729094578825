"""What most rooms of integration tests need: an open shop on a database of its own."""

from collections.abc import AsyncIterator, Iterator

import pytest

from shopalytic.v1.collector_pb2 import TrackRequest
from shopalytic.v1.events_pb2 import Event
from shopalytic_server.domain.ingest import native, preparation
from shopalytic_server.domain.ingest.preparation import Admitted, Prepared
from shops.report_shop import Shop, open_shop


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Shop]:
    async with open_shop(database_url) as opened:
        yield opened


@pytest.fixture(scope="session", autouse=True)
def prepared_by_the_core() -> Iterator[None]:
    """What tests prepare is the core's where the core takes it, as with a request; see --without-core."""

    def prepare_as_a_request(event: Event, admitted: Admitted) -> Prepared:
        cut = native.split(TrackRequest(events=[event]).SerializeToString(), 1)
        item = native.read(cut, 0, 1, admitted)[0] if cut is not None else None
        return _prepare_event(event, admitted) if item is None else item

    with pytest.MonkeyPatch.context() as patch:
        if native.is_in_use():
            patch.setattr(preparation, "prepare_event", prepare_as_a_request)
        yield


_prepare_event = preparation.prepare_event
