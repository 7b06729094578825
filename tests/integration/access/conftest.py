"""For the tests of who may send how much."""

import pytest

from shopalytic_server.domain.access.rates import Buckets


@pytest.fixture(autouse=True)
def no_time_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Buckets do not fill again meanwhile, however long a test takes."""
    take, wait, owe, now = Buckets.take, Buckets.wait, Buckets.owe, 1_000.0

    def take_now(own: Buckets, name: str | int, cost: int, _: float) -> float:
        return take(own, name, cost, now)

    def wait_now(own: Buckets, name: str | int, cost: int, _: float) -> float:
        return wait(own, name, cost, now)

    def owe_now(own: Buckets, name: str | int, cost: int, _: float) -> None:
        owe(own, name, cost, now)

    monkeypatch.setattr(Buckets, "take", take_now)
    monkeypatch.setattr(Buckets, "wait", wait_now)
    monkeypatch.setattr(Buckets, "owe", owe_now)
