"""A month of a small shop, sent through the public doors: enough for each page to have something to show."""

from datetime import timedelta
from typing import Any

from browser.dashboard.operator import event, send
from running.running_service import Service

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
PHONE_AGENT = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Mobile Safari/604.1"
DESK_AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36"
# More digits than a float has.
EXACT_TOTAL = "90071992547409.93"


def fill(service: Service) -> None:
    """Sends everything, and a few events that are refused."""
    verdicts = send(service, [*_ada(), *_bob(), *_visitors(), *_last_year()])
    assert set(verdicts) == {"ACCEPTED"}, verdicts
    broken = event("order", {"order_id": "broken-1"}, ago=HOUR, identity="bob")
    taken = event(
        "customer_register",
        {"email": "ada@shop.example", "first_name": "Eve", "last_name": "Other"},
        ago=HOUR,
        identity="eve",
    )
    assert send(service, [broken, taken]) == ["QUARANTINED", "CONFLICT"]


def page(title: str, referrer: str = "", **more: Any) -> dict[str, Any]:
    """A page view's properties."""
    return {"url": f"https://shop.example/{title.lower()}", "referrer": referrer, "title": title, **more}


def order(number: str, total: str, *lines: tuple[str, str, int], **more: Any) -> dict[str, Any]:
    """An order's properties."""
    items = [{"sku": sku, "price": price, "qty": qty, "cost": "1.00"} for sku, price, qty in lines]
    return {
        "order_id": number,
        "cart_id": f"cart-{number}",
        "total": total,
        "subtotal": total,
        "line_items": items,
        "billing": {"city": "London", "zipcode": "N1", "country": "GBR"},
        **more,
    }


def _ada() -> list[dict[str, Any]]:
    """Two devices, a register, three orders, a parcel that came, and an alias."""
    desk: dict[str, Any] = {"tracking_id": "ada-desk", "source": "web"}
    phone: dict[str, Any] = {"tracking_id": "ada-phone", "source": "ios"}
    campaign = {"user_agent": DESK_AGENT, "utm_campaign": "spring", "utm_source": "mail"}
    name = {"email": "ada@shop.example", "first_name": "Ada", "last_name": "Lovelace"}
    mug = {"sku": "MUG-1", "name": "Blue mug", "price": "9.99"}
    first = order("1001", "24.98", ("MUG-1", "9.99", 2), total_shipping="5.00", payment_type="card")
    second = order("1002", "19.98", ("MUG-1", "9.99", 1), ("BOWL-2", "9.99", 1))
    shipped = {"order_id": "1001", "shipment_id": "p-1", "carrier": "dhl", "tracking_number": "JD1"}
    return [
        event("page_view", page("Mugs", "https://www.google.com/"), ago=12 * DAY, context=campaign, **desk),
        event("product_view", mug, ago=12 * DAY - HOUR / 60, **desk),
        event(
            "cart_add",
            {"cart_id": "cart-1001", "sku": "MUG-1", "price": "9.99", "qty": 2},
            ago=12 * DAY - HOUR / 30,
            **desk,
        ),
        event("identify", {"identity": "ada"}, ago=12 * DAY - HOUR / 20, **desk),
        event("customer_register", name, ago=12 * DAY - HOUR / 15, identity="ada", **desk),
        event("order", first, ago=12 * DAY - HOUR / 10, identity="ada", source="checkout"),
        event("shipment", shipped, ago=11 * DAY, identity="ada"),
        event("shipment_delivered", _delivered("1001", "p-1"), ago=9 * DAY, identity="ada"),
        event("page_view", page("Bowls"), ago=5 * DAY, context={"user_agent": PHONE_AGENT}, **phone),
        event("identify", {"identity": "ada"}, ago=5 * DAY - HOUR, **phone),
        event("alias", {"identity": "card-77"}, ago=5 * DAY - 2 * HOUR, identity="ada"),
        event("order", second, ago=4 * DAY, identity="ada", source="checkout"),
        event(
            "order",
            order("EU-1", EXACT_TOTAL, ("YACHT", EXACT_TOTAL, 1), currency="EUR"),
            ago=3 * DAY,
            identity="ada",
        ),
    ]


def _delivered(order_id: str, shipment_id: str) -> dict[str, Any]:
    at = event("page_view", {}, ago=9 * DAY)["occurred_at"]
    return {"order_id": order_id, "shipment_id": shipment_id, "date_delivered": at}


def _bob() -> list[dict[str, Any]]:
    """An order before the range, one in it, and a refund."""
    refund = {
        "order_id": "2002",
        "refund_type": "partial",
        "total_refund": "10.00",
        "subtotal_refund": "10.00",
        "line_items": [],
    }
    code = {"code": "SPRING", "value": "0.00"}
    coupon = order("2002", "55.00", ("BOWL-2", "27.50", 2), discounts=[code], total_discount="0.00")
    name = {"email": "bob@shop.example", "first_name": "Bob", "last_name": "Builder"}
    return [
        event("customer_register", name, ago=40 * DAY, identity="bob"),
        event("order", order("2001", "30.00", ("BOWL-2", "30.00", 1)), ago=40 * DAY, identity="bob"),
        event("order", coupon, ago=6 * DAY, identity="bob"),
        event("refund", refund, ago=5 * DAY, identity="bob"),
        event(
            "shipment",
            {"order_id": "2002", "shipment_id": "p-2", "carrier": "ups"},
            ago=5 * DAY,
            identity="bob",
        ),
    ]


def _visitors() -> list[dict[str, Any]]:
    """Nobody knows them; one left a cart."""
    seen = [
        event(
            "page_view",
            page("Home", "https://blog.example/post"),
            ago=(day + 0.5) * DAY,
            tracking_id=f"visitor-{day}",
        )
        for day in range(20)
    ]
    cart = {"cart_id": "cart-left", "sku": "MUG-1", "price": "9.99", "qty": 3}
    looked = [("red mug", 4), ("Red  Mug", 4), ("nothing here", 0)]
    searches = [
        event("search", {"query": query, "results": results}, ago=3 * DAY, tracking_id="visitor-3")
        for query, results in looked
    ]
    return [*seen, *searches, event("cart_add", cart, ago=3 * DAY, tracking_id="visitor-3")]


def _last_year() -> list[dict[str, Any]]:
    """Somebody who came back after a month."""
    return [
        event("order", order("3001", "12.00", ("MUG-1", "12.00", 1)), ago=100 * DAY, identity="cyd"),
        event("order", order("3002", "13.00", ("MUG-1", "13.00", 1)), ago=65 * DAY, identity="cyd"),
    ]
