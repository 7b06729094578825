"""What synthetic visitors do, act by act. Pure: the same chances give the same acts."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from typing import Any
from urllib.parse import urlencode

from shopalytic_demo.shop import payloads
from shopalytic_demo.shop.basket import DISCOUNTS, Line, amounts_of
from shopalytic_demo.shop.catalogue import PRODUCTS, Product
from shopalytic_demo.visitors.ids import Ids
from shopalytic_demo.visitors.people import Arrival, Device, Person, add_device, arrival

# Not this machine's address: it may change from one start to the next, and the past must stay as it was.
SITE = "https://kiln-and-kettle.example"
CARRIERS = ("dhl", "dpd", "ups", "royal-mail")
BOUNCE = 0.5
"""The share of those whom nobody knows who leave after the first page."""
LAND_ON_PRODUCT = 0.4
_SEARCHES = ("mug", "teapot", "tea", "bowl", "espresso cup", "present", "candle", "vase", "oat milk")
_POPULARITY = [9, 8, 4, 5, 6, 5, 3, 4, 3, 7, 6, 5]


@dataclass(frozen=True, slots=True)
class Act:
    """One event, before it has a time and an id."""

    type: str
    properties: dict[str, Any]
    seconds: float = 0.0
    """Since the act before, spent on the page."""
    days: float = 0.0
    """Since the act before, spent elsewhere."""
    device: Device | None = None
    """Which browser sends it; None: the shop's backend."""
    identity: str | None = None
    tracking_id: str | None = None
    """What the backend knows of the browser."""
    context: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Purchase:
    """An order that is to be shipped, and may come back."""

    order_id: str
    lines: tuple[Line, ...]
    code: str
    identity: str | None
    tracking_id: str | None
    currency: str


class Visit:
    """One person on one device, from arrival to leaving."""

    def __init__(self, rng: Random, ids: Ids, person: Person, month: int) -> None:
        self._rng = rng
        self._month = month
        self._campaign: dict[str, str] = {}
        self._ids = ids
        self._person = person
        self._device = self._choose_device()
        self._identity: str | None = None
        self._cart: dict[str, int] = {}
        self._cart_id = ids.short("CART")
        self._page = ""
        self.purchase: Purchase | None = None
        """Known once the acts have been gone through."""

    def acts(self) -> Iterator[Act]:
        """Everything that happens, in order."""
        way = arrival(self._rng, self._month)
        if self._person.is_bot:
            yield from self._see("/", "Things for the table", way=way)
            yield from self._crawl()
            return
        if self._rng.random() < LAND_ON_PRODUCT:
            yield from self._look_at(self._choose_product(), way=way)
        else:
            yield from self._see("/", "Things for the table", way=way)
        if not self._person.registered and self._rng.random() < BOUNCE:
            return
        if self._person.registered and self._rng.random() < 0.75:
            yield from self._sign_in()
        yield from self._browse()
        if self._cart and self._rng.random() < 0.62:
            yield from self._check_out()

    def _choose_device(self) -> Device:
        person = self._person
        may_have_another = person.registered and len(person.devices) < 3
        if may_have_another and self._rng.random() < 0.4:
            return add_device(self._rng, self._ids, person)
        return self._rng.choice(person.devices)

    def _crawl(self) -> Iterator[Act]:
        for product in self._rng.sample(list(PRODUCTS.values()), 4):
            yield from self._look_at(product, quick=True)

    def _browse(self) -> Iterator[Act]:
        yield from self._find()
        for _ in range(1 + min(int(self._rng.expovariate(0.45)), 8)):
            product = self._choose_product()
            yield from self._look_at(product)
            if self._rng.random() < 0.3:
                yield self._put_into_cart(product)
            elif self._rng.random() < 0.08:
                self._person.wished.add(product.sku)
                yield self._browser("wishlist_add", {"sku": product.sku}, self._rng.uniform(1, 5))
        if self._person.wished and self._rng.random() < 0.3:
            yield from self._tidy_wishes()
        if self._cart and self._rng.random() < 0.35:
            yield from self._see("/cart", "Your cart")
            yield self._change_cart()

    def _find(self) -> Iterator[Act]:
        """Some search, some go through a category, some let the shop's questions lead them."""
        chance = self._rng.random()
        if chance < 0.2:
            query = self._rng.choice(_SEARCHES)
            found = [product for product in PRODUCTS.values() if query in product.name.lower()]
            yield from self._see(f"/search?{urlencode({'q': query})}", "Search")
            yield self._browser("search", {"query": query, "results": len(found)})
            yield self._browser("product_list_view", payloads.product_list_view("Search", found))
        elif chance < 0.45:
            kind = self._choose_product().categories[-1]
            listed = [product for product in PRODUCTS.values() if kind in product.categories]
            yield from self._see(f"/categories/{kind.lower()}", kind)
            yield self._browser("product_list_view", payloads.product_list_view(kind, listed))
        elif chance < 0.5:
            yield from self._see("/gift-finder", "Find a present")
            answers = {"for": self._rng.choice(("friend", "parents", "myself")), "questions": 3}
            finished = {"name": "gift_finder_finished", "properties": answers}
            yield self._browser("custom", finished, self._rng.uniform(10, 40))

    def _tidy_wishes(self) -> Iterator[Act]:
        yield from self._see("/wishlist", "Your wish list")
        sku = self._rng.choice(sorted(self._person.wished))
        self._person.wished.remove(sku)
        yield self._browser("wishlist_remove", {"sku": sku}, self._rng.uniform(2, 8))

    def _choose_product(self) -> Product:
        return self._rng.choices(list(PRODUCTS.values()), _POPULARITY)[0]

    def _look_at(self, product: Product, *, way: Arrival | None = None, quick: bool = False) -> Iterator[Act]:
        yield from self._see(f"/products/{product.sku}", product.name, way=way, quick=quick)
        view = payloads.product_view(product, logged_in=self._identity is not None)
        yield self._browser("product_view", self._priced(view))

    def _put_into_cart(self, product: Product) -> Act:
        qty = self._rng.choice((1, 1, 1, 2, 2, 4))
        self._cart[product.sku] = self._cart.get(product.sku, 0) + qty
        added = {"cart_id": self._cart_id, "sku": product.sku, "price": str(product.price), "qty": qty}
        return self._browser("cart_add", self._priced(added), self._rng.uniform(3, 12))

    def _change_cart(self) -> Act:
        sku = self._rng.choice(list(self._cart))
        qty = self._rng.choice((0, 1, 1, 2, 3))
        self._cart[sku] = qty
        if not qty:
            del self._cart[sku]
        changed = {"cart_id": self._cart_id, "sku": sku, "qty": qty}
        return self._browser("cart_modify", changed, self._rng.uniform(2, 6))

    def _sign_in(self) -> Iterator[Act]:
        yield from self._see("/login", "Sign in")
        yield from self._see("/account", "Your account")
        yield self._identify()
        if not self._person.has_card and self._rng.random() < 0.3:
            self._person.has_card = True
            card = {"identity": f"card-{self._person.identity[2:]}"}
            yield self._browser("alias", card, self._rng.uniform(4, 15))
        if self._rng.random() < 0.12:
            yield self._backend("customer_update", {"last_name": self._person.last_name + "-Berg"}, 5)

    def _check_out(self) -> Iterator[Act]:
        yield from self._see("/checkout", "Checkout: delivery", page_type="checkout-1")
        yield self._step("delivery")
        if not self._person.registered and self._rng.random() < 0.6:
            yield from self._register()
        if self._rng.random() < 0.14:
            return
        yield from self._see("/checkout/pay", "Checkout: payment", page_type="checkout-2")
        payment_type = self._rng.choice(("card", "card", "invoice", "transfer"))
        yield self._step("payment", payment_type)
        code = self._rng.choices(("", *DISCOUNTS), (82, 10, 5, 3))[0]
        if code:
            yield self._try_code(code, accepted=True)
        elif self._rng.random() < 0.04:
            yield self._try_code("SUMMER20", accepted=False)
        if self._rng.random() < 0.1:
            return
        yield self._order(code, payment_type)
        if self.purchase is not None:
            yield from self._see(f"/orders/{self.purchase.order_id}", "Thank you", quick=True)

    def _register(self) -> Iterator[Act]:
        person = self._person
        yield from self._see("/register", "Register")
        person.registered = True
        profile = {"email": person.email, "first_name": person.first_name, "last_name": person.last_name}
        self._identity = person.identity
        yield self._backend("customer_register", profile, self._rng.uniform(15, 40))
        yield self._identify()

    def _step(self, step: str, option: str = "") -> Act:
        chosen = {"option": option} if option else {}
        return self._browser("checkout_step", {"step": step, "cart_id": self._cart_id, **chosen})

    def _try_code(self, code: str, *, accepted: bool) -> Act:
        tried: dict[str, Any] = {"code": code, "accepted": accepted}
        if accepted:
            tried = self._priced({**tried, "value": str(amounts_of(self._lines(), code).discount)})
        else:
            tried["reason"] = "expired"
        return self._browser("coupon", tried, self._rng.uniform(2, 10))

    def _lines(self) -> tuple[Line, ...]:
        return tuple(Line(PRODUCTS[sku], qty) for sku, qty in self._cart.items())

    def _order(self, code: str, payment_type: str) -> Act:
        lines = self._lines()
        order_id = self._ids.short("O")
        tracking_id = self._device.tracking_id
        currency = self._person.currency
        self.purchase = Purchase(order_id, lines, code, self._identity, tracking_id, currency)
        properties = payloads.order(
            order_id,
            self._cart_id,
            lines,
            amounts_of(lines, code),
            code=code,
            address=self._person.address,
            payment_type=payment_type,
        )
        return self._backend("order", self._priced(properties), self._rng.uniform(8, 30))

    def _identify(self) -> Act:
        self._identity = self._person.identity
        return self._browser("identify", {"identity": self._identity})

    def _see(
        self, path: str, title: str, *, way: Arrival | None = None, page_type: str = "", quick: bool = False
    ) -> Iterator[Act]:
        query = f"?{urlencode(way.campaign)}" if way and way.campaign else ""
        referrer = way.referrer if way else self._page
        self._page = f"{SITE}{path}{query}"
        view: dict[str, Any] = {"url": self._page, "referrer": referrer, "title": title}
        if page_type:
            view["page_type"] = page_type
            view["logged_in"] = self._identity is not None
        seconds = 0.0 if way else self._rng.uniform(1, 3) if quick else self._rng.uniform(2, 25)
        # The tag reads the campaign from the page's own address: it ends with the first page.
        self._campaign = dict(way.campaign) if way else {}
        yield self._browser("page_view", view, seconds, {"referrer": referrer})
        # As shops do on every page of somebody whom they know.
        if self._identity is not None:
            yield self._identify()

    def _browser(
        self, kind: str, properties: dict[str, Any], seconds: float = 0.0, more: dict[str, Any] | None = None
    ) -> Act:
        device = self._device
        context = {
            "url": self._page,
            "language": self._person.language,
            "time_zone": self._person.time_zone,
            "screen_width": device.width,
            "screen_height": device.height,
            "automated": device.automated,
            **self._campaign,
            **(more or {}),
        }
        return Act(kind, properties, seconds, device=device, identity=self._identity, context=context)

    def _backend(self, kind: str, properties: dict[str, Any], seconds: float) -> Act:
        return Act(kind, properties, seconds, identity=self._identity, tracking_id=self._device.tracking_id)

    def _priced(self, properties: dict[str, Any]) -> dict[str, Any]:
        currency = self._person.currency
        return {**properties, "currency": currency} if currency else properties


def aftermath(rng: Random, ids: Ids, purchase: Purchase) -> Iterator[Act]:
    """What becomes of an order: it is cancelled, or it is shipped, arrives, and some of it comes back."""
    if rng.random() < 0.02:
        cancelled = {"order_id": purchase.order_id, "reason": "changed their mind"}
        yield _about(purchase, "order_cancel", cancelled, rng.uniform(0.05, 0.3))
        return
    tea = [line.product for line in purchase.lines if "Tea" in line.product.categories]
    if tea and purchase.identity and rng.random() < 0.25:
        begun = payloads.subscription_begun(ids.short("S"), tea[0])
        yield _about(purchase, "subscription", begun, rng.uniform(0.01, 0.1))
    parcel, number = ids.short("P"), ids.short("T")
    shipped = {
        "order_id": purchase.order_id,
        "shipment_id": parcel,
        "carrier": rng.choice(CARRIERS),
        "tracking_number": number,
    }
    yield _about(purchase, "shipment", shipped, rng.uniform(0.4, 2))
    if rng.random() < 0.95:
        delivered = {"order_id": purchase.order_id, "shipment_id": parcel}
        yield _about(purchase, "shipment_delivered", delivered, rng.uniform(1, 4))
        if rng.random() < 0.12:
            rated = {"sku": purchase.lines[0].product.sku, "rating": rng.choice((1, 3, 4, 4, 5, 5, 5))}
            yield _about(purchase, "review", rated, rng.uniform(0.2, 3))
    chance = rng.random()
    if chance < 0.05:
        yield _about(purchase, "refund", payloads.full_refund(purchase.order_id), rng.uniform(1, 7))
    elif chance < 0.13:
        piece = max((line.product for line in purchase.lines), key=_price)
        back = payloads.piece_refund(purchase.order_id, piece, purchase.code)
        yield _about(purchase, "refund", back, rng.uniform(1, 7))


def _about(purchase: Purchase, kind: str, properties: dict[str, Any], days: float) -> Act:
    if kind in {"refund", "subscription"} and purchase.currency:
        properties = {**properties, "currency": purchase.currency}
    identity, tracking_id = purchase.identity, purchase.tracking_id
    return Act(kind, properties, days=days, identity=identity, tracking_id=tracking_id)


def _price(product: Product) -> Decimal:
    return product.price
