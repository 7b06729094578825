"""What was sent, and what was acknowledged, in the senders' own books."""

import itertools
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

TAKEN = ("ACCEPTED", "DUPLICATE")


@dataclass
class Books:
    """Shared by all senders of a stage."""

    sent: dict[str, str] = field(default_factory=dict)
    """Event id → who sent it."""
    acknowledged: dict[str, str] = field(default_factory=dict)
    """Event id → the last verdict on it."""
    problems: list[str] = field(default_factory=list)
    """What no sender should ever be told."""
    refusals: dict[str, int] = field(default_factory=dict)
    """Code → how often a sender was told to come back with it."""
    unhinted: int = 0
    """Refusals by the service itself that named no delay."""

    def __post_init__(self) -> None:
        self.numbers = itertools.count()
        self._lock = threading.Lock()
        self._heard: dict[str, float] = {}
        self._begun: dict[str, float] = {}
        self._took: dict[str, list[float]] = {}

    def send(self, sender: str, event_ids: Iterable[str]) -> None:
        """Notes events before they are sent for the first time."""
        with self._lock:
            self.sent.update(dict.fromkeys(event_ids, sender))

    def answer(self, sender: str, verdicts: Iterable[tuple[str, str]], begun: float = 0.0) -> None:
        """Notes verdicts, which answer an attempt that began at `begun`."""
        with self._lock:
            for event_id, status in verdicts:
                self.acknowledged[event_id] = status
                if status not in TAKEN:
                    self.problems.append(f"{sender}: event {event_id} is {status}")
            self._heard[sender] = max(begun, self._heard.get(sender, 0.0))

    def take(self, sender: str, seconds: float) -> None:
        """Notes how long a sender's request took, from its first attempt to its answer."""
        with self._lock:
            self._took.setdefault(sender, []).append(seconds)

    def taken(self, sender: str) -> list[float]:
        """How long the requests of a sender took since this was last asked, in seconds."""
        with self._lock:
            return self._took.pop(sender, [])

    def refuse(self, code: str, *, hinted: bool = True) -> None:
        """Notes that a sender was told to come back."""
        with self._lock:
            self.refusals[code] = self.refusals.get(code, 0) + 1
            self.unhinted += not hinted

    def problem(self, text: str) -> None:
        """Notes what must not happen."""
        with self._lock:
            self.problems.append(text)

    def wait_for_all(self, senders: Iterable[str], since: float, patience: float) -> float:
        """Waits until each sender has had an attempt answered that began after `since`; gives the seconds."""
        waiting = set(senders)
        while True:
            with self._lock:
                waiting = {name for name in waiting if self._heard.get(name, 0.0) < since}
            if not waiting:
                return time.monotonic() - since
            if time.monotonic() > since + patience:
                raise AssertionError(f"not back after {patience:g} seconds for {', '.join(sorted(waiting))}")
            time.sleep(0.02)
