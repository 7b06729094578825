"""How much may come in a second: token buckets, of which a bounded number is remembered."""

BURST_SECONDS = 10.0
MAX_ENTRIES = 100_000

BYTES_OF_AN_EVENT = 1_000
"""Of what a public key sends, so many bytes cost as much as an event."""
UNUSED = 4
"""What an event of a public key costs beside itself if it cannot be used: reasons, a row of quarantine."""


def price(events: int, size: int) -> int:
    """What a public key pays for so many events, of `size` bytes together as they were unpacked."""
    return max(events, size // BYTES_OF_AN_EVENT)


class Buckets:
    """One bucket for each name. It fills at `rate` a second and holds ten seconds' worth.

    Kept of a bucket is only when it will be full again, so a full one is the
    same as one that was never seen, and takes no room.

    Law: what is let through between two moments is at most what the bucket
    holds, plus the rate times the seconds between them, plus one request.
    """

    def __init__(self, rate: float, max_entries: int = MAX_ENTRIES) -> None:
        """`rate`: per second, above 0. Past `max_entries` buckets in use the oldest are forgotten."""
        self.rate = rate
        self._seconds_each = 1.0 / rate
        self._max_entries = max_entries
        self._full_at: dict[str | int, float] = {}

    def __len__(self) -> int:
        return len(self._full_at)

    def take(self, name: str | int, cost: int, now: float) -> float:
        """Takes `cost` out of a bucket: 0.0; or takes nothing and says after how many seconds to try again.

        What costs more than a whole bucket passes when the bucket is full, and
        is owed: `now` is in seconds of any steady clock.
        """
        if wait := self.wait(name, cost, now):
            return wait
        full_at = max(self._full_at.get(name, 0.0), now)
        self._fill(name, full_at + cost * self._seconds_each, now)
        return 0.0

    def wait(self, name: str | int, cost: int, now: float) -> float:
        """What `take` would say, and takes nothing."""
        full_at = max(self._full_at.get(name, 0.0), now)
        wait = full_at - now + min(cost * self._seconds_each, BURST_SECONDS) - BURST_SECONDS
        # The smallest part of a bucket is far more than what floats round off.
        return wait if wait > 1e-9 else 0.0

    def owe(self, name: str | int, cost: int, now: float) -> None:
        """Takes `cost` out of a bucket, also where it is not in it: what comes next waits the longer.

        More than one further bucket's worth is never owed.
        """
        full_at = max(self._full_at.get(name, 0.0), now) + cost * self._seconds_each
        self._fill(name, min(full_at, now + 2 * BURST_SECONDS), now)

    def _fill(self, name: str | int, full_at: float, now: float) -> None:
        self._full_at[name] = full_at
        if len(self._full_at) > self._max_entries:
            self._forget(now)

    def _forget(self, now: float) -> None:
        """Drops full buckets, and where these are too few the oldest, down to half of what there may be."""
        in_use = [(name, full_at) for name, full_at in self._full_at.items() if full_at > now]
        self._full_at = dict(in_use[-(self._max_entries // 2) :])
