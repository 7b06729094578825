"""Properties of ours that are worked out from several of theirs; each rule has words for readers."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from shopalytic_server.gateway.compatibility.given import PRODUCTS, Given
from shopalytic_server.gateway.compatibility.values import money, number, objects, whole, words, written

SKU = ("sku", "product_id", "item_id", "id")
NAME = ("name", "item_name", "product_name", "title")
PRICE = ("price", "unit_price")
QUANTITY = ("quantity", "qty")
ORDER_ID = ("order_id", "transaction_id")
TAX = ("tax", "total_tax")
SHIPPING = ("shipping", "total_shipping", "shipping_cost")
_CATEGORIES = ("category", "categories", "item_category", *(f"item_category{n}" for n in range(2, 6)))
_LONGEST_CATEGORY = 200
_MOST_CATEGORIES = 100


@dataclass(frozen=True, slots=True)
class Rule:
    """How one of our properties is worked out; `words` say it to a reader."""

    words: str
    value: Callable[[Given], Any]


def _cart(given: Given) -> str:
    message = given.message
    who = message.tracking_id or message.identity or "nobody"
    # Without a number of the visit a day is what comes nearest to one.
    visit = message.session or str(message.occurred_at or "")[:10]
    return f"{who[:120]}/{visit[:70]}" if visit else who


def _price(given: Given) -> Any:
    price = given.first(PRICE)
    if price is not None:
        return money(price)
    value, pieces = number(given.first(("value", "total"))), _pieces(given)
    if value is None or not isinstance(pieces, int) or pieces < 1 or len(given.products) > 1:
        return None
    return money(value / pieces)


def _pieces(given: Given) -> Any:
    quantity = given.first(QUANTITY)
    return 1 if quantity is None else whole(quantity)


def _whole_pieces(given: Given) -> Any:
    """The number of pieces where it is whole; what is no number stays, for the contract to judge."""
    pieces = _pieces(given)
    return None if _part_pieces(given) is not None else pieces


def _part_pieces(given: Given) -> str | None:
    """A number of pieces that is not whole, or negative."""
    exact = number(given.first(QUANTITY))
    if exact is None or (exact > 0 and exact == exact.to_integral_value()):
        return None
    return written(exact)


def _removed(given: Given) -> Any:
    return None if given.first(QUANTITY) is None else _pieces(given)


def _nothing_left(given: Given) -> Any:
    return 0 if given.first(QUANTITY) is None else None


def _categories(given: Given) -> list[str] | None:
    found: list[str] = []
    for name in _CATEGORIES:
        value = given.first((name,))
        if isinstance(value, str):
            found += value.split("/" if "/" in value else ">")
        elif isinstance(value, list):
            found += [each for each in value if isinstance(each, str)]
    named = [name for name in (words(each, _LONGEST_CATEGORY) for each in found) if name]
    return named[:_MOST_CATEGORIES] or None


def _lines(given: Given) -> Any:
    # What is no list of objects stays, for the contract to name.
    return [_line(given.inside(product)) for product in given.products] or given.first(PRODUCTS) or None


def _line(product: Given) -> dict[str, Any]:
    line = {
        "sku": product.first(SKU),
        "name": words(product.first(NAME), 200),
        "price": money(product.first(PRICE)),
        "qty": _whole_pieces(product),
        "quantity": _part_pieces(product),
    }
    return {name: value for name, value in line.items() if value is not None}


def _goods(given: Given) -> Decimal | None:
    """What the listed products cost together; None where one has no price."""
    total = Decimal(0)
    for product in given.products:
        inside = given.inside(product)
        price, pieces = number(inside.first(PRICE)), number(inside.first(QUANTITY) or 1)
        if price is None or pieces is None:
            return None
        total += price * pieces
    return total if given.products else None


def _subtotal(given: Given) -> Any:
    stated = given.first(("subtotal",))
    if stated is not None:
        return money(stated)
    goods = _goods(given)
    if goods is None:
        goods = number(given.first(("revenue", "value")))
    return None if goods is None else written(goods)


def _total(given: Given) -> Any:
    stated = given.first(("total",))
    if stated is not None:
        return money(stated)
    value = number(given.first(("revenue", "value")))
    extra = (number(given.first(TAX)) or Decimal(0)) + (number(given.first(SHIPPING)) or Decimal(0))
    if value is None:
        goods = _goods(given)
        if goods is None:
            return None
        value = goods - (number(given.first(("discount",))) or Decimal(0))
    elif extra and value - extra == _goods(given):
        return written(value)
    return written(value + extra)


def _discounts(given: Given) -> list[dict[str, Any]] | None:
    listed = [
        {"code": code, "value": money(value)}
        for inside in (given.inside(each) for each in objects(given.first(("discounts",))))
        if (code := inside.first(("code", "coupon", "name"))) and (value := inside.first(("value", "amount")))
    ]
    if listed:
        return listed
    code, off = given.first(("coupon", "coupon_code")), number(given.first(("discount",)))
    return [{"code": code, "value": written(off)}] if code and off is not None else None


def _email(given: Given) -> Any:
    return given.first(("email",)) or given.message.traits.get("email")


def _is_part(given: Given) -> bool:
    amounts = (*_REFUNDED, "products", "items")
    return given.first(amounts) is not None


_REFUNDED = ("total", "revenue", "value")


def _refund_type(given: Given) -> str:
    return "partial" if _is_part(given) else "full"


def _refunded(given: Given) -> Any:
    if not _is_part(given):
        return None
    stated = given.first(_REFUNDED)
    if stated is not None:
        # Some send what they give back as less than nothing.
        exact = number(stated)
        return money(stated) if exact is None else written(abs(exact))
    goods = _goods(given)
    return None if goods is None else written(goods)


def _refunded_goods(given: Given) -> Any:
    if not _is_part(given):
        return None
    goods = _goods(given)
    if goods is None:
        goods = number(given.first(_REFUNDED))
        if goods is None:
            return None
        aside = (number(given.first(TAX)) or Decimal(0)) + (number(given.first(SHIPPING)) or Decimal(0))
        goods = abs(goods) - aside
    return written(max(goods, Decimal(0)))


def _in_list(given: Given) -> list[dict[str, Any]] | None:
    found = []
    for at, product in enumerate(given.products):
        inside = given.inside(product)
        position = whole(inside.first(("position", "index")))
        sku = inside.first(SKU)
        if sku is not None:
            found.append({"sku": sku, "position": at + 1 if position is None else position})
    return found or None


def _filters(given: Given) -> list[str] | None:
    found = []
    for each in objects(given.first(("filters",))):
        inside = given.inside(each)
        kind, value = words(inside.first(("type", "name")), 90), words(inside.first(("value",)), 90)
        if kind or value:
            found.append(":".join(filter(None, (kind, value))))
    return found or None


def _always(value: Any) -> Callable[[Given], Any]:
    return lambda _given: value


def fixed(value: Any) -> Rule:
    """A property that always has this value."""
    return Rule(f"always `{value}`".replace("True", "true").replace("False", "false"), _always(value))


def amount(*names: str) -> Rule:
    """An amount of money, from the first of these properties."""
    return Rule(" or ".join(f"`{name}`" for name in names), lambda given: money(given.first(names)))


def text(longest: int, *names: str) -> Rule:
    """Text, cut to its limit, from the first of these properties."""
    listed = " or ".join(f"`{name}`" for name in names)
    return Rule(listed, lambda given: _words_of(given.first(names), longest))


def _words_of(value: Any, longest: int) -> str | None:
    exact = number(value)
    return words(value if exact is None or isinstance(value, str) else written(exact), longest)


CART = Rule("the visitor and the visit", _cart)
UNIT_PRICE = Rule("`price`, else `value` by the number of pieces of a single product", _price)
PIECES = Rule("`quantity`, else 1", _whole_pieces)
PART = Rule("`quantity` where it is not whole", _part_pieces)
REMOVED = Rule("`quantity`: so many less", _removed)
NOTHING_LEFT = Rule("0 where no `quantity` is given", _nothing_left)
CATEGORIES = Rule("`category`, split at `/` or `>`; `item_category` to `item_category5`", _categories)
LINES = Rule("each of `products` or `items`: sku, name, price, quantity", _lines)
SUBTOTAL = Rule("`subtotal`, else price by quantity of all products, else `revenue` or `value`", _subtotal)
TOTAL = Rule(
    "`total`, else `revenue` or `value` with `tax` and `shipping` added where it is without them",
    _total,
)
DISCOUNTS = Rule("each of `discounts`, else `coupon` with `discount` as its value", _discounts)
EMAIL = Rule("`email`, else the customer's trait", _email)
REFUND_TYPE = Rule("`partial` where an amount or products are given, else `full`", _refund_type)
REFUNDED = Rule("`total`, `revenue` or `value`, else the products' sum", _refunded)
REFUNDED_GOODS = Rule("the products' sum, else the amount without `tax` and `shipping`", _refunded_goods)
LIST_ITEMS = Rule("each of `products` or `items`: its sku and position", _in_list)
FILTERS = Rule("each of `filters` as `type:value`", _filters)
