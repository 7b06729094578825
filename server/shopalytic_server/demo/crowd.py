"""The synthetic visitors, as one thing that is started and stopped."""

from collections.abc import Mapping


class Crowd:
    """Visitors with a past and a present."""

    def __init__(
        self,
        seed: int,
        per_minute: float,
        *,
        shop_url: str,
        collect_url: str,
        grpc_address: str,
        keys: Mapping[str, str],
    ) -> None:
        self._seed = seed

    def start(self) -> None:
        """Begin."""

    async def stop(self) -> None:
        """End."""
