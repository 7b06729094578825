"""What the shop remembers, in memory and within bounds: sessions, accounts and orders."""

import secrets
from collections import OrderedDict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Generic, TypeVar

from shopalytic_demo.shop.basket import Amounts, Line
from shopalytic_demo.shop.catalogue import PRODUCTS, Product

MAX_SESSIONS = 2_000
MAX_ACCOUNTS = 2_000
MAX_ORDERS = 5_000
MAX_SHOWN_EVENTS = 40
MAX_QTY = 99

_Value = TypeVar("_Value")


class Bounded(OrderedDict[str, _Value], Generic[_Value]):
    """A dictionary that forgets whatever was not used for longest."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self._size = size

    def use(self, key: str) -> _Value | None:
        """The value, which counts as used now."""
        if key in self:
            self.move_to_end(key)
        return self.get(key)

    def keep(self, key: str, value: _Value) -> None:
        """Take a value in; the one that was not used for longest may have to go."""
        self[key] = value
        self.move_to_end(key)
        while len(self) > self._size:
            self.popitem(last=False)


def new_id(prefix: str) -> str:
    """An id that a restarted shop does not give again."""
    return f"{prefix}-{secrets.token_hex(4).upper()}"


@dataclass(slots=True)
class SentEvent:
    """An event that the shop's backend sent for somebody, and what the server said."""

    event_id: str
    type: str
    properties: dict[str, Any]
    status: str = ""
    violations: list[dict[str, str]] = field(default_factory=list)


@dataclass(slots=True)
class Account:
    """Somebody who registered; `identity` is the shop's own name for them."""

    identity: str
    email: str
    first_name: str
    last_name: str


@dataclass(slots=True)
class Cart:
    """What somebody wants to buy."""

    cart_id: str = field(default_factory=lambda: new_id("CART"))
    quantities: dict[str, int] = field(default_factory=dict)
    code: str = ""

    @property
    def lines(self) -> list[Line]:
        """One line for each product."""
        return [Line(PRODUCTS[sku], qty) for sku, qty in self.quantities.items()]

    @property
    def count(self) -> int:
        """Pieces in all."""
        return sum(self.quantities.values())

    def put(self, sku: str, qty: int) -> None:
        """Set a line's quantity; 0 removes it."""
        if qty > 0:
            self.quantities[sku] = min(qty, MAX_QTY)
        else:
            self.quantities.pop(sku, None)


@dataclass(slots=True)
class Order:
    """An order and what became of it."""

    order_id: str
    lines: list[Line]
    amounts: Amounts
    code: str
    delivery: Mapping[str, str]
    owner: str | None
    tracking_id: str | None
    returned: dict[str, int] = field(default_factory=dict)
    refunded: Decimal = Decimal("0.00")
    shipment_id: str = ""
    tracking_number: str = ""
    delivered: bool = False

    @property
    def is_fully_refunded(self) -> bool:
        """Whether nothing is left to give back."""
        return self.refunded >= self.amounts.total

    def next_return(self) -> Product | None:
        """A piece that has not come back yet, the dearest first."""
        open_lines = [line for line in self.lines if self.returned.get(line.product.sku, 0) < line.qty]
        return max((line.product for line in open_lines), key=lambda product: product.price, default=None)


@dataclass(slots=True)
class Session:
    """One browser's visit to the shop."""

    token: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    cart: Cart = field(default_factory=Cart)
    account: Account | None = None
    delivery: dict[str, str] = field(default_factory=dict)
    order_ids: deque[str] = field(default_factory=lambda: deque(maxlen=50))
    events: deque[SentEvent] = field(default_factory=lambda: deque(maxlen=MAX_SHOWN_EVENTS))


class ShopState:
    """Everything that the shop remembers."""

    def __init__(self) -> None:
        self._sessions: Bounded[Session] = Bounded(MAX_SESSIONS)
        self._accounts: Bounded[Account] = Bounded(MAX_ACCOUNTS)
        self._orders: Bounded[Order] = Bounded(MAX_ORDERS)

    def session(self, token: str | None) -> Session:
        """The session of a cookie, or a new one."""
        session = self._sessions.use(token) if token else None
        if session is None:
            session = Session()
            self._sessions.keep(session.token, session)
        return session

    def account(self, email: str) -> Account | None:
        """Whoever registered with this address."""
        return self._accounts.use(email.casefold())

    def register(self, email: str, first_name: str, last_name: str) -> Account:
        """A new account."""
        account = Account(new_id("C"), email, first_name, last_name)
        self._accounts.keep(email.casefold(), account)
        return account

    def keep_order(self, session: Session, order: Order) -> None:
        """Remember an order and who may see it."""
        self._orders.keep(order.order_id, order)
        session.order_ids.append(order.order_id)

    def order(self, session: Session, order_id: str) -> Order | None:
        """An order that this visitor may see: their session's or their account's."""
        order = self._orders.use(order_id)
        if order is None or order_id in session.order_ids:
            return order
        is_theirs = session.account is not None and order.owner == session.account.identity
        return order if is_theirs else None

    def orders(self, session: Session) -> list[Order]:
        """All orders that this visitor may see, newest first."""
        mine = session.account.identity if session.account else None
        return [
            order
            for order_id, order in reversed(self._orders.items())
            if order_id in session.order_ids or (mine is not None and order.owner == mine)
        ]
