"""The catalogue as its text has it, written down once more by hand: what the contract is tested against."""

from dataclasses import dataclass
from typing import Any

EVENT_ID = "0190b6f0-8c7e-7cc0-9d3a-5f1c2b7a4e10"
OCCURRED_AT = "2025-05-01T12:00:00Z"


@dataclass(frozen=True)
class Property:
    """One property: where it is, what it takes, and what is just inside and just outside of its limits."""

    path: str
    required: bool
    inside: tuple[Any, ...]
    outside: tuple[tuple[Any, str], ...]
    wrong_types: tuple[Any, ...]


def text(path: str, most: int, *, required: bool = False, empty: bool = False) -> Property:
    too_short = () if required or empty else (("", "string.min_len"),)
    # Shops number what they name by ids and codes.
    is_id = path.rpartition(".")[2] in IDS
    return Property(
        path,
        required,
        inside=("é" * most, "x", *([""] if empty else []), *([5, 170.0] if is_id else [])),
        outside=(("é" * (most + 1), "string.max_len"), ("a\0b", "string.no_nul"), *too_short),
        wrong_types=(*([10**41] if is_id else [5]), 9.5, True, [], {}),
    )


IDS = (
    *("order_id", "cart_id", "shipment_id", "sku", "tracking_number", "identity", "zipcode", "code"),
    *("subscription_id", "step"),
)


def pattern(path: str, good: tuple[str, ...], bad: tuple[str, ...], *, required: bool = False) -> Property:
    empty = () if required else ("",)
    outside = tuple((value, "string.pattern") for value in (*bad, *empty))
    return Property(path, required, good, outside, wrong_types=(5, True, [], {}))


def email(path: str, *, required: bool = False) -> Property:
    longest = "a" * 252 + "@b"
    base = pattern(path, ("a@b", longest), ("a", "a@", "@b", "a b@c", "a@b@c"), required=required)
    return Property(
        path, required, base.inside, (*base.outside, ("a" + longest, "string.max_len")), base.wrong_types
    )


def money(path: str, *, required: bool = False) -> Property:
    good = ("0", "9.99", "9.9900", "99999999999999.9999", 9.99, 10, "00.5")
    bad = (
        "100000000000000",
        "0.00001",
        "-1",
        "+1",
        "1,5",
        "1.",
        ".5",
        "1e2",
        " 1",
        "NaN",
        "9.99 EUR",
        -1,
        0.00001,
    )
    empty = () if required else ("",)
    outside = tuple((value, "string.pattern") for value in (*bad, *empty))
    return Property(path, required, good, outside, wrong_types=(True, [], {}))


def number(path: str, least: int, most: int, *, required: bool = False) -> Property:
    below = (0, "required") if required and least == 1 else (least - 1, "int32.gte_lte")
    return Property(
        path,
        required,
        inside=(least, most, str(most), float(least)),
        outside=(below, (most + 1, "int32.gte_lte"), (str(most + 1), "int32.gte_lte")),
        wrong_types=(1.5, "1.5", "-1", "٣", "", True, [], {}, 2**31, 10**30),
    )


def quantity(path: str) -> Property:
    good = ("0.5", "-1", "999999999.9999", 0.5, -1, 12, "00.5")
    bad = ("1000000000", "0.00001", "+1", "1,5", "1.", ".5", "--1", "1e2", " 1", "NaN", 0.00001, "")
    outside = tuple((value, "string.pattern") for value in bad)
    return Property(path, False, good, outside, wrong_types=(True, [], {}))


def time(path: str, *, required: bool = False) -> Property:
    return Property(
        path,
        required,
        inside=(
            "1990-01-01T00:00:00Z",
            "2099-12-31T23:59:59.999999Z",
            "2025-05-01",
            1_714_564_800,
            "1714564800.5",
        ),
        outside=(
            ("1989-12-31T23:59:59.999999Z", "timestamp.gte_lt"),
            ("2100-01-01T00:00:00Z", "timestamp.gte_lt"),
            ("1990-01-01T00:00:00+00:01", "timestamp.gte_lt"),
        ),
        wrong_types=("yesterday", "", "2025-05-01T12:00:00", "2025-02-30", 1_714_564_800_000, True, [], {}),
    )


def anything(path: str) -> Property:
    """A JSON object."""
    deep: Any = {}
    for _ in range(15):
        deep = {"inner": deep}
    return Property(
        path,
        False,
        inside=({}, {"a": None, "b": [1, "x", {"c": True}]}, deep, {"numbers": [1] * 4_999}, {"é": 2**60}),
        outside=(),
        wrong_types=("x", 5, True, []),
    )


def flag(path: str, *, required: bool = False) -> Property:
    return Property(path, required, (True, False), (), wrong_types=("true", 1, 0, "", [], {}))


def choice(path: str, good: tuple[str, ...], bad: tuple[str, ...]) -> Property:
    outside = tuple((value, "string.in") for value in bad)
    return Property(path, True, good, outside, wrong_types=(5, True, [], {}))


def optional_choice(path: str, good: tuple[str, ...], bad: tuple[str, ...]) -> Property:
    return Property(
        path, False, good, tuple((value, "string.in") for value in bad), wrong_types=(5, True, [], {})
    )


def listing(path: str, item: Any, most: int, *, required: bool = False) -> Property:
    empty = (([], "required"),) if required else ()
    inside = ([item], [item] * most, *([] if required else [[]]))
    outside = (([item] * (most + 1), "repeated.max_items"), *empty)
    return Property(path, required, inside, outside, wrong_types=("x", 5, True, {}))


def group(path: str, value: dict[str, Any]) -> Property:
    """An object that is optional as a whole; its own properties are listed beside it."""
    return Property(path, False, (value,), (), wrong_types=("x", 5, True, []))


def identity(path: str, *, required: bool = False) -> Property:
    base = text(path, 200, required=required)
    nobody = (
        "null",
        " Undefined ",
        "none",
        "nil",
        "NaN",
        "[object Object]",
        "0",
        "-1",
        "true",
        "false",
        "guest",
    )
    more = (
        "anonymous",
        "unknown",
        "id",
        "user",
        "email",
        "000",
        "--",
        "0000-0000",
        "  ",
        "N/A",
        "(not set)",
        "{{ user.id }}",
        "${id}",
        "<%= id %>",
        '"null"',
        "\u200b",
    )
    refused = tuple((value, "identity.placeholder") for value in (*nobody, *more))
    return Property(path, required, base.inside, (*base.outside, *refused), base.wrong_types)


CAPITALS = (("EUR", "XXX", "eur"), ("EU", "EURO", "E1R", "ÄÖÜ", " eur"))
COUNTRIES = (("DEU", "XXX", "deu", "DE", "gb", "UK"), ("ZZ", "EURO", "E1R", "ÄÖÜ", "D"))
CURRENCY = pattern("currency", *CAPITALS)
LINE = {"sku": "SKU-1", "price": "9.99", "qty": 2, "cost": "4.50", "name": "Cup", "quantity": "1.5"}
ADDRESS = {"city": "Wien", "zipcode": "1010", "country": "AUT", "state": "Wien"}


def line_items() -> tuple[Property, ...]:
    at = "line_items[0]"
    return (
        text(f"{at}.sku", 200, empty=True),
        money(f"{at}.price", required=True),
        number(f"{at}.qty", 0, 10**9),
        money(f"{at}.cost"),
        text(f"{at}.name", 200),
        quantity(f"{at}.quantity"),
    )


def address(at: str) -> tuple[Property, ...]:
    return (
        group(at, ADDRESS),
        text(f"{at}.city", 200, required=True),
        text(f"{at}.zipcode", 32, required=True),
        pattern(f"{at}.country", *COUNTRIES, required=True),
        text(f"{at}.state", 200),
    )


CARRIERS = (
    "aramex",
    "oca-ar",
    "australia-post",
    "brazil-correios",
    "canada-post",
    "china-ems",
    "spain-correos-es",
    "dhl",
    "dhl-germany",
    "dhl-global-mail",
    "dhl-nl",
    "dhl-poland",
    "dpd",
    "danmark-post",
    "fedex",
    "fedex-uk",
    "flash-courier",
    "hong-kong-post",
    "india-post",
    "international-seur",
    "israel-post",
    "korea-post",
    "la-poste-colissimo",
    "malaysia-post",
    "opek",
    "ontrac",
    "parcel-force",
    "portugal-ctt",
    "portugal-seur",
    "purolator",
    "royal-mail",
    "russian-post",
    "sf-express",
    "saudi-post",
    "singapore-post",
    "singapore-speedpost",
    "siodemka",
    "spanish-seur",
    "star-track",
    "swiss-post",
    "taqbin-hk",
    "taqbin-sg",
    "tnt",
    "thailand-post",
    "ups",
    "usps",
    "custom",
)

PROPERTIES: dict[str, tuple[Property, ...]] = {
    "customer_register": (
        email("email", required=True),
        text("first_name", 200, required=True),
        text("last_name", 200, required=True),
        time("join_date"),
    ),
    "customer_update": (email("email"), text("first_name", 200), text("last_name", 200)),
    "cart_add": (
        text("cart_id", 200, required=True),
        text("sku", 200, required=True),
        money("price", required=True),
        number("qty", 0, 10**9),
        time("modified_date"),
        CURRENCY,
        quantity("quantity"),
    ),
    "cart_modify": (
        text("cart_id", 200, required=True),
        text("sku", 200, required=True),
        number("qty", 0, 10**9),
        money("price"),
        time("modified_date"),
        CURRENCY,
        quantity("quantity"),
        number("qty_removed", 0, 10**9),
    ),
    "order": (
        text("order_id", 200, required=True),
        text("cart_id", 200, empty=True),
        money("total", required=True),
        money("subtotal", required=True),
        listing("line_items", LINE, 2000, required=True),
        *line_items(),
        time("order_date"),
        *address("billing"),
        *address("shipping"),
        money("total_tax"),
        money("total_shipping"),
        text("payment_type", 200),
        listing("discounts", {"code": "MAY", "value": "1"}, 100),
        text("discounts[0].code", 200, required=True),
        money("discounts[0].value", required=True),
        money("total_discount"),
        email("email"),
        text("first_name", 200),
        text("last_name", 200),
        optional_choice("status", ("pending", "paid", "cancelled", "failed"), ("Paid", "done", "")),
        CURRENCY,
    ),
    "refund": (
        text("order_id", 200, required=True),
        choice("refund_type", ("full", "partial"), ("Full", "half")),
        money("total_refund"),
        money("subtotal_refund"),
        listing("line_items", LINE, 2000),
        *line_items(),
        money("tax_refund"),
        money("shipping_refund"),
        money("discount_refund"),
        CURRENCY,
    ),
    "shipment": (
        text("order_id", 200, required=True),
        text("shipment_id", 200, required=True),
        choice("carrier", CARRIERS, ("DHL", "dhl-german", "pigeon")),
        text("tracking_number", 200),
        time("date_shipped"),
        time("date_delivered"),
    ),
    "shipment_delivered": (
        text("order_id", 200, required=True),
        text("shipment_id", 200, required=True),
        time("date_delivered", required=True),
        time("date_shipped"),
    ),
    "product_view": (
        text("sku", 200, required=True),
        text("name", 500, required=True),
        money("price", required=True),
        listing("categories", "shoes", 100),
        text("categories[0]", 200),
        flag("logged_in"),
        CURRENCY,
    ),
    "page_view": (
        text("url", 8192, required=True),
        Property(
            "referrer",
            True,
            ("", "x" * 8192),
            (("x" * 8193, "string.max_len"), ("a\0b", "string.no_nul")),
            wrong_types=(5, True, [], {}),
        ),
        flag("logged_in"),
        text("page_type", 100),
        text("title", 1000, empty=True),
    ),
    "identify": (identity("identity", required=True),),
    "alias": (identity("identity", required=True),),
    "search": (
        text("query", 500, required=True),
        number("results", 0, 10**9),
        listing("filters", "colour:red", 100),
        text("filters[0]", 200),
    ),
    "product_list_view": (
        text("list", 200, required=True),
        listing("items", {"sku": "SKU-1"}, 500),
        text("items[0].sku", 200, required=True),
        number("items[0].position", 0, 10**6),
    ),
    "checkout_step": (text("step", 100, required=True), text("option", 200), text("cart_id", 200)),
    "coupon": (
        text("code", 200, required=True),
        flag("accepted", required=True),
        text("reason", 200),
        money("value"),
        CURRENCY,
    ),
    "wishlist_add": (text("sku", 200, required=True),),
    "wishlist_remove": (text("sku", 200, required=True),),
    "review": (text("sku", 200, required=True), number("rating", 1, 5, required=True)),
    "order_cancel": (text("order_id", 200, required=True), text("reason", 200)),
    "subscription": (
        text("subscription_id", 200, required=True),
        text("state", 100, required=True),
        money("amount"),
        text("interval", 100),
        CURRENCY,
    ),
    "custom": (text("name", 100, required=True), anything("properties")),
}
