"""Which events of Segment's e-commerce specification and of Google Analytics 4 are which of ours.

The one source of this mapping: `translation` reads it, and so does the page
docs/reference/compatible-surfaces.md, which `page` makes. Segment's names are
those of its e-commerce specification, version 2
(https://segment.com/docs/connections/spec/ecommerce/v2/), Google's the
recommended events (https://developers.google.com/analytics/devguides/collection/ga4/reference/events).
A name counts in any spelling, and from whatever SDK it comes.
"""

from dataclasses import dataclass

from shopalytic_server.gateway.compatibility.rules import (
    CART,
    CATEGORIES,
    DISCOUNTS,
    EMAIL,
    FILTERS,
    LINES,
    LIST_ITEMS,
    NAME,
    NOTHING_LEFT,
    ORDER_ID,
    PART,
    PIECES,
    REFUND_TYPE,
    REFUNDED,
    REFUNDED_GOODS,
    REMOVED,
    SHIPPING,
    SKU,
    SUBTOTAL,
    TAX,
    TOTAL,
    UNIT_PRICE,
    Rule,
    amount,
    fixed,
    text,
)
from shopalytic_server.gateway.compatibility.values import folded

Source = str | Rule
SEGMENT, GA4 = "Segment", "GA4"


@dataclass(frozen=True, slots=True)
class Row:
    """One event of theirs, and what it is with us."""

    spec: str
    name: str
    event: str
    fields: dict[str, tuple[Source, ...]]
    """Our properties, and where each comes from: the first source that has a value counts."""
    each: bool = False
    """Whether it makes one event of ours for each product in its list."""


_CURRENCY = {"currency": ("currency",)}
_PRODUCT_VIEW: dict[str, tuple[Source, ...]] = {
    "sku": SKU,
    "name": (text(500, *NAME),),
    "price": (UNIT_PRICE,),
    "categories": (CATEGORIES,),
    **_CURRENCY,
}
_CART_ADD: dict[str, tuple[Source, ...]] = {
    "cart_id": ("cart_id", CART),
    "sku": SKU,
    "price": (UNIT_PRICE,),
    "qty": (PIECES,),
    "quantity": (PART,),
    **_CURRENCY,
}
_CART_REMOVE: dict[str, tuple[Source, ...]] = {
    "cart_id": ("cart_id", CART),
    "sku": SKU,
    "qty_removed": (REMOVED,),
    "qty": (NOTHING_LEFT,),
    **_CURRENCY,
}
_ORDER: dict[str, tuple[Source, ...]] = {
    "order_id": ORDER_ID,
    "cart_id": ("cart_id", CART),
    "total": (TOTAL,),
    "subtotal": (SUBTOTAL,),
    "line_items": (LINES,),
    "total_tax": (amount(*TAX),),
    "total_shipping": (amount(*SHIPPING),),
    "total_discount": (amount("discount", "total_discount"),),
    "discounts": (DISCOUNTS,),
    "payment_type": (text(200, "payment_method", "payment_type"),),
    "email": (EMAIL,),
    **_CURRENCY,
}
_REFUND: dict[str, tuple[Source, ...]] = {
    "order_id": ORDER_ID,
    "refund_type": (REFUND_TYPE,),
    "total_refund": (REFUNDED,),
    "subtotal_refund": (REFUNDED_GOODS,),
    "line_items": (LINES,),
    "tax_refund": (amount(*TAX),),
    "shipping_refund": (amount(*SHIPPING),),
    **_CURRENCY,
}
_LIST: dict[str, tuple[Source, ...]] = {
    "list": (text(200, "list_id", "item_list_id", "item_list_name", "category", "list"),),
    "items": (LIST_ITEMS,),
}
_SEARCH: dict[str, tuple[Source, ...]] = {
    "query": (text(500, "query", "search_term"),),
    "results": ("results", "number_of_results"),
    "filters": (FILTERS,),
}
_WISH: dict[str, tuple[Source, ...]] = {"sku": SKU}


def _step(step: Source, *option: str) -> dict[str, tuple[Source, ...]]:
    return {
        "step": (step,),
        "option": (text(200, *option),) if option else (),
        "cart_id": ("cart_id", CART),
    }


_NUMBERED = text(100, "step")
_METHODS = ("payment_method", "shipping_method")

ROWS: tuple[Row, ...] = (
    Row(SEGMENT, "Products Searched", "search", _SEARCH),
    Row(SEGMENT, "Product List Viewed", "product_list_view", _LIST),
    Row(SEGMENT, "Product List Filtered", "product_list_view", _LIST),
    Row(SEGMENT, "Product Viewed", "product_view", _PRODUCT_VIEW),
    Row(SEGMENT, "Product Added", "cart_add", _CART_ADD),
    Row(SEGMENT, "Product Removed", "cart_modify", _CART_REMOVE),
    Row(SEGMENT, "Checkout Started", "checkout_step", _step(fixed("started"))),
    Row(SEGMENT, "Checkout Step Viewed", "checkout_step", _step(_NUMBERED, *_METHODS)),
    Row(SEGMENT, "Checkout Step Completed", "checkout_step", _step(_NUMBERED, *_METHODS)),
    Row(SEGMENT, "Payment Info Entered", "checkout_step", _step(fixed("payment"), "payment_method")),
    Row(SEGMENT, "Order Completed", "order", _ORDER),
    Row(SEGMENT, "Order Updated", "order", _ORDER),
    Row(SEGMENT, "Order Refunded", "refund", _REFUND),
    Row(
        SEGMENT,
        "Order Cancelled",
        "order_cancel",
        {"order_id": ORDER_ID, "reason": (text(200, "reason"),)},
    ),
    Row(
        SEGMENT,
        "Coupon Applied",
        "coupon",
        {
            "code": ("coupon_name", "coupon_id", "coupon"),
            "accepted": (fixed(True),),
            "value": (amount("discount"),),
            **_CURRENCY,
        },
    ),
    Row(
        SEGMENT,
        "Coupon Denied",
        "coupon",
        {
            "code": ("coupon_name", "coupon_id", "coupon"),
            "accepted": (fixed(False),),
            "reason": (text(200, "reason"),),
        },
    ),
    Row(SEGMENT, "Product Added to Wishlist", "wishlist_add", _WISH),
    Row(SEGMENT, "Product Removed from Wishlist", "wishlist_remove", _WISH),
    Row(SEGMENT, "Wishlist Product Added to Cart", "cart_add", _CART_ADD),
    Row(SEGMENT, "Product Reviewed", "review", {"sku": SKU, "rating": ("rating",)}),
    Row(GA4, "view_item", "product_view", _PRODUCT_VIEW, each=True),
    Row(GA4, "view_item_list", "product_list_view", _LIST),
    Row(GA4, "add_to_cart", "cart_add", _CART_ADD, each=True),
    Row(GA4, "remove_from_cart", "cart_modify", _CART_REMOVE, each=True),
    Row(GA4, "add_to_wishlist", "wishlist_add", _WISH, each=True),
    Row(GA4, "begin_checkout", "checkout_step", _step(fixed("started"))),
    Row(GA4, "add_shipping_info", "checkout_step", _step(fixed("shipping"), "shipping_tier")),
    Row(GA4, "add_payment_info", "checkout_step", _step(fixed("payment"), "payment_type")),
    Row(GA4, "purchase", "order", _ORDER),
    Row(GA4, "refund", "refund", _REFUND),
    Row(GA4, "search", "search", _SEARCH),
    Row(GA4, "view_search_results", "search", _SEARCH),
)

NO_PLACE: dict[str, tuple[str, ...]] = {
    SEGMENT: (
        "Promotion Viewed",
        "Promotion Clicked",
        "Product Clicked",
        "Cart Viewed",
        "Coupon Entered",
        "Coupon Removed",
        "Product Shared",
        "Cart Shared",
    ),
    GA4: (
        "view_cart",
        "select_item",
        "view_promotion",
        "select_promotion",
        "login",
        "sign_up",
        "share",
        "generate_lead",
        "select_content",
        "earn_virtual_currency",
        "spend_virtual_currency",
        "join_group",
        "tutorial_begin",
        "tutorial_complete",
        "level_start",
        "level_end",
        "level_up",
        "post_score",
        "unlock_achievement",
        "session_start",
        "first_visit",
        "user_engagement",
        "scroll",
        "click",
        "file_download",
        "form_start",
        "form_submit",
        "video_start",
        "video_progress",
        "video_complete",
    ),
}
"""Events of theirs that are `custom` with us, by specification."""

BY_NAME: dict[str, Row] = {folded(row.name): row for row in ROWS}
KNOWN: dict[str, str] = {
    folded(name): name
    for name in (*(row.name for row in ROWS), *(name for names in NO_PLACE.values() for name in names))
}
"""Every name of either specification, by its folded form: what metrics may name."""
