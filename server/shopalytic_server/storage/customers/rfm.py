"""Where customers stand among all who ordered: recency, frequency and money, in quintiles."""

import time
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from shopalytic.v1 import reports_pb2
from shopalytic_server.storage.database.queries import load
from shopalytic_server.storage.database.reading import Snapshot

_SQL = load("customers/page")

# A customer's page would otherwise read every order of the shop.
KEPT_SECONDS = 300.0


class RfmQuintiles:
    """Keeps the values that divide the quintiles of each dataset for a few minutes."""

    def __init__(self) -> None:
        self._kept: dict[tuple[int, str], tuple[float, list[dict[str, Any]]]] = {}

    async def classify(
        self, snapshot: Snapshot, dataset: int, currency: str, last_at: datetime, orders: int, net: Decimal
    ) -> reports_pb2.RfmClass:
        """The classes of a customer who ordered."""
        cuts = await self.cuts(snapshot, dataset, currency)
        return reports_pb2.RfmClass(
            currency=currency,
            recency=_quintile([cut["last_at"] for cut in cuts], last_at),
            frequency=_quintile([cut["orders"] for cut in cuts], orders),
            money=_quintile([cut["net"] for cut in cuts], net),
        )

    async def cuts(self, snapshot: Snapshot, dataset: int, currency: str) -> list[dict[str, Any]]:
        """The four values of each measure, `last_at`, `orders` and `net`; none where nobody ordered."""
        now = time.monotonic()
        read_at, cuts = self._kept.get((dataset, currency), (-KEPT_SECONDS, []))
        if not cuts or now - read_at >= KEPT_SECONDS:
            cuts = await snapshot.fetch(_SQL.quintiles, dataset=dataset, currency=currency)
            self._kept[dataset, currency] = (now, cuts)
        return cuts


def _quintile(cuts: Sequence[Any], value: Any) -> int:
    """1 to 5: one more than the number of quintiles that lie wholly below the value."""
    return 1 + sum(1 for cut in cuts if cut < value)
