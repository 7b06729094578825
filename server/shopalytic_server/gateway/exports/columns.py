"""What the columns of each system's export are, in our words.

Sources: Shopify's help on exporting orders and customers; WooCommerce's tables
(`wc_orders`, `wc_order_product_lookup`), its report of orders, and the columns of
the customer/order CSV export; Magento's order grid and its tables `sales_order` and
`sales_order_item`; PrestaShop's order list and its tables `orders` and `order_detail`.
"""
# ruff: noqa: E501 - tables

import re

_NO_WORD = re.compile(r"[^0-9a-z]+")

FIELDS = (
    "order_id", "order_date", "order_date_utc", "status", "cancelled_at", "currency", "total", "subtotal", "total_tax",
    "total_shipping", "total_discount", "discount_code", "refunded", "refunded_at", "payment_type",
    "customer_id", "email", "first_name", "last_name", "full_name", "join_date",
    "billing_city", "billing_zipcode", "billing_state", "billing_country",
    "shipping_city", "shipping_zipcode", "shipping_state", "shipping_country",
    "line_items", "line_order_id", "line_sku", "line_name", "line_price", "line_quantity", "line_total", "line_cost",
)  # fmt: skip
"""Our words: what a map may give a column's name for."""


def folded(name: str) -> str:
    """A column's name in one spelling: "Lineitem quantity" is "lineitem_quantity"."""
    return _NO_WORD.sub("_", name.strip().lower()).strip("_")


SHOPIFY = {
    "name": "order_id", "created_at": "order_date", "financial_status": "status", "cancelled_at": "cancelled_at",
    "currency": "currency", "total": "total", "subtotal": "subtotal", "taxes": "total_tax",
    "shipping": "total_shipping", "discount_amount": "total_discount", "discount_code": "discount_code",
    "refunded_amount": "refunded", "payment_method": "payment_type", "email": "email",
    "billing_name": "full_name", "billing_city": "billing_city", "billing_zip": "billing_zipcode",
    "billing_province": "billing_state", "billing_country": "billing_country", "shipping_city": "shipping_city",
    "shipping_zip": "shipping_zipcode", "shipping_province": "shipping_state", "shipping_country": "shipping_country",
    "lineitem_quantity": "line_quantity", "lineitem_name": "line_name", "lineitem_price": "line_price",
    "lineitem_sku": "line_sku", "customer_id": "customer_id", "first_name": "first_name", "last_name": "last_name",
}  # fmt: skip

WOOCOMMERCE = {
    "order_number": "order_id", "order_id": "order_id", "id": "order_id", "order": "order_id",
    "order_date": "order_date", "date_created": "order_date", "date_created_gmt": "order_date_utc", "date": "order_date",
    "status": "status", "order_status": "status", "currency": "currency", "order_currency": "currency",
    "order_total": "total", "total_amount": "total", "n_revenue": "total", "total": "total",
    "order_subtotal": "subtotal", "net_sales": "subtotal", "tax_total": "total_tax", "tax_amount": "total_tax",
    "order_tax": "total_tax", "shipping_total": "total_shipping", "order_shipping": "total_shipping",
    "discount_total": "total_discount", "cart_discount": "total_discount", "coupon_items": "discount_code",
    "coupon_s": "discount_code", "refunded_total": "refunded", "payment_method_title": "payment_type",
    "payment_method": "payment_type", "customer_id": "customer_id", "customer_user": "customer_id",
    "billing_email": "email", "customer_email": "email", "email": "email", "billing_first_name": "first_name",
    "first_name": "first_name", "billing_last_name": "last_name", "last_name": "last_name", "customer": "full_name",
    "billing_city": "billing_city", "billing_postcode": "billing_zipcode", "billing_state": "billing_state",
    "billing_country": "billing_country", "shipping_city": "shipping_city", "shipping_postcode": "shipping_zipcode",
    "shipping_state": "shipping_state", "shipping_country": "shipping_country", "line_items": "line_items",
    "item_sku": "line_sku", "sku": "line_sku", "item_name": "line_name", "item_quantity": "line_quantity",
    "product_qty": "line_quantity", "item_price": "line_price", "product_gross_revenue": "line_total",
    "item_total": "line_total", "product_id": "line_sku", "date_registered": "join_date",
}  # fmt: skip

MAGENTO = {
    "increment_id": "order_id", "id": "order_id", "order": "order_id", "entity_id": "line_order_id",
    "order_id": "line_order_id", "purchase_date": "order_date", "created_at": "order_date_utc",
    "status": "status", "state": "status", "order_currency_code": "currency", "grand_total_purchased": "total",
    "grand_total": "total", "subtotal": "subtotal", "tax_amount": "total_tax", "shipping_amount": "total_shipping",
    "shipping_and_handling": "total_shipping", "discount_amount": "total_discount", "coupon_code": "discount_code",
    "total_refunded": "refunded", "payment_method": "payment_type", "customer_email": "email", "email": "email",
    "customer_id": "customer_id", "customer_firstname": "first_name", "firstname": "first_name",
    "customer_lastname": "last_name", "lastname": "last_name", "bill_to_name": "full_name",
    "customer_name": "full_name", "sku": "line_sku", "name": "line_name", "qty_ordered": "line_quantity",
    "price_incl_tax": "line_price", "price": "line_price", "base_cost": "line_cost",
}  # fmt: skip

PRESTASHOP = {
    "id_order": "order_id", "id": "order_id", "date_add": "order_date", "date": "order_date",
    "current_state": "status", "status": "status", "iso_code": "currency", "currency": "currency",
    "total_paid_tax_incl": "total", "total_paid": "total", "total": "total", "total_products_wt": "subtotal",
    "total_products": "subtotal", "total_shipping_tax_incl": "total_shipping", "total_shipping": "total_shipping",
    "total_discounts_tax_incl": "total_discount", "total_discounts": "total_discount", "payment": "payment_type",
    "id_customer": "customer_id", "email": "email", "firstname": "first_name", "lastname": "last_name",
    "customer": "full_name", "delivery": "shipping_country", "product_reference": "line_sku",
    "product_name": "line_name", "product_quantity": "line_quantity", "unit_price_tax_incl": "line_price",
    "product_price": "line_price", "original_wholesale_price": "line_cost",
}  # fmt: skip

CSV = {field: field for field in FIELDS} | {
    "sku": "line_sku", "name": "line_name", "price": "line_price", "qty": "line_quantity",
    "quantity": "line_quantity", "date": "order_date", "order": "order_id", "tax": "total_tax",
    "shipping": "total_shipping", "discount": "total_discount",
}  # fmt: skip

SYSTEMS = {
    "shopify": SHOPIFY,
    "woocommerce": WOOCOMMERCE,
    "magento": MAGENTO,
    "prestashop": PRESTASHOP,
    "csv": CSV,
}
"""The columns of each system, by their folded names. Of two that mean the same, the one that stands first counts."""

MESSAGES = ("segment", "ga4")
"""Systems that export events in JSON Lines, and no tables."""

EXPORTS = (*SYSTEMS, *MESSAGES)
"""What `--from` takes."""

STATUSES = {
    **dict.fromkeys(("paid", "partially_refunded", "refunded", "processing", "completed", "complete", "closed"), "paid"),
    **dict.fromkeys(("authorized", "partially_paid", "pending", "on_hold", "holded", "new", "pending_payment"), "pending"),
    **dict.fromkeys(("voided", "cancelled", "canceled"), "cancelled"),
    **dict.fromkeys(("failed", "payment_error", "expired", "fraud"), "failed"),
}  # fmt: skip
"""What each system calls the states of an order, without WooCommerce's `wc-`."""

WHOLLY_REFUNDED = frozenset({"refunded"})
