"""Numbers in their order, from which others are taken away again, as medians need them."""

from array import array
from bisect import bisect_right
from collections.abc import Iterable


class Spread:
    """Many whole numbers, of which only the order counts. What is added or taken away is not copied."""

    def __init__(self, numbers: Iterable[int] = ()) -> None:
        self._more: tuple[array[int], ...] = (array("q", sorted(numbers)),)
        self._less: tuple[array[int], ...] = ()

    def __len__(self) -> int:
        return sum(map(len, self._more)) - sum(map(len, self._less))

    def __add__(self, other: "Spread") -> "Spread":
        """Both together."""
        together = Spread()
        together._more = self._more + other._more
        together._less = self._less + other._less
        return together

    def __neg__(self) -> "Spread":
        """What takes these numbers away from where it is added."""
        turned = Spread()
        turned._more, turned._less = self._less, self._more
        return turned

    def at(self, place: int) -> int:
        """The number at a place, counted from 1."""
        filled = [each for each in self._more if each]
        low, high = min(each[0] for each in filled), max(each[-1] for each in filled)
        while low < high:
            middle = (low + high) // 2
            if self._up_to(middle) >= place:
                high = middle
            else:
                low = middle + 1
        return low

    def _up_to(self, number: int) -> int:
        more = sum(bisect_right(each, number) for each in self._more)
        return more - sum(bisect_right(each, number) for each in self._less)

    @property
    def middle(self) -> tuple[int, int] | None:
        """The two middle ones, which of an odd count are the same; None of no numbers."""
        count = len(self)
        return (self.at((count + 1) // 2), self.at(count // 2 + 1)) if count else None
