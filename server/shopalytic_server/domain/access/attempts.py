"""How often something may be tried: so many times in a span, for a bounded number of names."""

from dataclasses import dataclass


@dataclass(slots=True)
class _Span:
    ends_at: float
    made: int


class Attempts:
    """Counts attempts by name. A span begins with the first attempt, and ends after `seconds`.

    Law: within one span a name has at most `most` attempts that were not given back.
    """

    def __init__(self, most: int, seconds: float, max_names: int = 100_000) -> None:
        """Past `max_names` names the half that has tried longest ago is forgotten."""
        self._most = most
        self._seconds = seconds
        self._max_names = max_names
        self._spans: dict[str, _Span] = {}

    def __len__(self) -> int:
        return len(self._spans)

    def take(self, name: str, now: float) -> float:
        """Counts one attempt: 0.0; or counts nothing, and says after how many seconds to try again.

        `now` is in seconds of any steady clock.
        """
        span = self._spans.get(name)
        if span is None or now >= span.ends_at:
            self._spans.pop(name, None)
            span = self._spans[name] = _Span(now + self._seconds, 0)
            if len(self._spans) > self._max_names:
                kept = list(self._spans.items())[self._max_names // 2 :]
                self._spans = dict(kept)
        if span.made >= self._most:
            return span.ends_at - now
        span.made += 1
        return 0.0

    def give_back(self, name: str) -> None:
        """Counts one attempt less: it was a right one."""
        span = self._spans.get(name)
        if span is not None and span.made:
            span.made -= 1
