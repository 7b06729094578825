"""Ids for what synthetic visitors do: made from a source of chance, so a seeded one makes the same again."""

from datetime import datetime
from random import Random
from uuid import UUID


class Ids:
    """Makes ids; with a seeded source, the same ones in the same order."""

    def __init__(self, chance: Random) -> None:
        self._chance = chance

    def event(self, at: datetime) -> str:
        """An event's id: a UUID of version 7, which is stored fastest."""
        number = round(at.timestamp() * 1000) << 80 | self._chance.getrandbits(80)
        number = number & ~(0xF << 76) | 0x7 << 76
        return str(UUID(int=number & ~(0x3 << 62) | 0x2 << 62))

    def tracking(self) -> str:
        """What a browser proposes as its tracking id."""
        return str(UUID(int=self._chance.getrandbits(128), version=4))

    def short(self, prefix: str) -> str:
        """One of the shop's own ids."""
        return f"{prefix}-{self._chance.getrandbits(40):010X}"
