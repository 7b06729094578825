"""The properties of the events that a shop sends, by the names of the event catalogue."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from shopalytic_demo.shop.basket import Amounts, Line, cents, discount_on
from shopalytic_demo.shop.catalogue import Product

Properties = dict[str, Any]


def product_view(product: Product, *, logged_in: bool) -> Properties:
    """A product page was seen."""
    return {
        "sku": product.sku,
        "name": product.name,
        "price": str(product.price),
        "categories": list(product.categories),
        "logged_in": logged_in,
    }


def product_list_view(name: str, products: Sequence[Product]) -> Properties:
    """A list of products was seen."""
    items = [{"sku": product.sku, "position": place} for place, product in enumerate(products, 1)]
    return {"list": name, "items": items} if items else {"list": name}


def order(
    order_id: str,
    cart_id: str,
    lines: Sequence[Line],
    amounts: Amounts,
    *,
    code: str,
    address: Mapping[str, str],
    payment_type: str,
) -> Properties:
    """An order was placed."""
    properties: Properties = {
        "order_id": order_id,
        "cart_id": cart_id,
        "total": str(amounts.total),
        "subtotal": str(amounts.subtotal),
        "total_tax": str(amounts.tax),
        "total_shipping": str(amounts.shipping),
        "line_items": [{**_item(line.product, line.qty), "cost": str(line.product.cost)} for line in lines],
        "billing": dict(address),
        "shipping": dict(address),
        "payment_type": payment_type,
    }
    if amounts.discount:
        properties["discounts"] = [{"code": code, "value": str(amounts.discount)}]
        properties["total_discount"] = str(amounts.discount)
    return properties


def full_refund(order_id: str) -> Properties:
    """The customer gets back what is left of the total."""
    return {"order_id": order_id, "refund_type": "full"}


def refund_amount(product: Product, code: str) -> Decimal:
    """What one returned piece gives back: its price, less what the code took off it."""
    return cents(product.price - discount_on(product.price, code))


def piece_refund(order_id: str, product: Product, code: str) -> Properties:
    """One piece came back."""
    properties: Properties = {
        "order_id": order_id,
        "refund_type": "partial",
        "total_refund": str(refund_amount(product, code)),
        "subtotal_refund": str(product.price),
        "line_items": [_item(product, 1)],
    }
    if discount := discount_on(product.price, code):
        properties["discount_refund"] = str(discount)
    return properties


def shipment(order_id: str, shipment_id: str, carrier: str, tracking_number: str, at: datetime) -> Properties:
    """A parcel was handed to the carrier."""
    return {
        "order_id": order_id,
        "shipment_id": shipment_id,
        "carrier": carrier,
        "tracking_number": tracking_number,
        "date_shipped": at.isoformat(),
    }


def shipment_delivered(order_id: str, shipment_id: str, at: datetime) -> Properties:
    """A parcel reached the customer."""
    return {"order_id": order_id, "shipment_id": shipment_id, "date_delivered": at.isoformat()}


def subscription_begun(subscription_id: str, product: Product) -> Properties:
    """Somebody gets this every month from now on."""
    return {
        "subscription_id": subscription_id,
        "state": "begun",
        "amount": str(product.price),
        "interval": "month",
    }


def _item(product: Product, qty: int) -> Properties:
    return {"sku": product.sku, "price": str(product.price), "qty": qty}
