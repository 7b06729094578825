"""What an event's sender gave: its properties in any spelling, and those of the product at hand."""

from collections.abc import Iterable, Mapping
from typing import Any

from shopalytic_server.gateway.compatibility.message import Message
from shopalytic_server.gateway.compatibility.values import folded, objects

PRODUCTS = ("products", "items")
"""Where a list of products stands."""


class Given:
    """Properties by their folded names, and a record of which were used.

    With a `product` its own properties come first, and then the event's.
    """

    def __init__(self, message: Message, product: Mapping[str, Any] | None = None) -> None:
        self.message = message
        self.used: set[str] = set()
        self._event = _folded(message.properties)
        self._product = None if product is None else _folded(product)

    @property
    def names(self) -> set[str]:
        """Every property that was given, by its folded name; those of products without their place."""
        return {*self._event, *(self._product or ())}

    @property
    def products(self) -> list[Mapping[str, Any]]:
        """The products that the event lists."""
        for name in PRODUCTS:
            if name in self._event:
                self.used.add(name)
                return objects(self._event[name])
        return []

    def first(self, names: Iterable[str]) -> Any:
        """The first of these properties that has a value."""
        for name in names:
            for properties in (self._product, self._event):
                value = None if properties is None else properties.get(name)
                if value is not None and value != "":
                    self.used.add(name)
                    return value
        return None

    def of_product(self, product: Mapping[str, Any]) -> "Given":
        """The same event with one of its products at hand; what is used there counts here."""
        inner = Given.__new__(Given)
        inner.message, inner.used = self.message, self.used
        inner._event, inner._product = self._event, _folded(product)
        return inner

    def inside(self, product: Mapping[str, Any]) -> "Given":
        """A product alone, without what the event says."""
        inner = self.of_product(product)
        inner._event, inner._product = inner._product or {}, None
        return inner


def _folded(properties: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in properties.items():
        found.setdefault(folded(name), value)
    return found
