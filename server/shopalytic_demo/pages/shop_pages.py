"""The pages on which things are looked at and bought."""

import json
from decimal import Decimal

from shopalytic_demo.pages.drawings import drawing
from shopalytic_demo.pages.layout import Page, alert, choice, field, money
from shopalytic_demo.pages.markup import Markup, fill, join
from shopalytic_demo.shop import payloads
from shopalytic_demo.shop.basket import DISCOUNT_CODE, Amounts, Line, amounts_of
from shopalytic_demo.shop.catalogue import PRODUCTS, Product
from shopalytic_demo.shop.state import MAX_QTY, Session

COUNTRIES = {
    "AUT": "Austria",
    "DEU": "Germany",
    "DNK": "Denmark",
    "ESP": "Spain",
    "FRA": "France",
    "GBR": "United Kingdom",
    "NLD": "Netherlands",
    "POL": "Poland",
    "USA": "United States",
}
PAYMENTS = {"card": "Card", "invoice": "Invoice", "transfer": "Bank transfer"}

_CARD = """<li><a class="card" href="/demo/products/{sku}"><span class="picture">{picture}</span>
<span class="name">{name}</span>{price}</a></li>"""

_PRODUCT = """<article class="product" data-product-view="{view}">
<div class="picture large">{picture}</div>
<div>
<p class="crumbs">{categories}</p>
<h1>{name}</h1>
<p class="price">{price}</p>
<p>{text}</p>
<form method="post" action="/demo/cart/add" data-does="cart-add" data-sku="{sku}" data-price="{plain_price}">
<input type="hidden" name="sku" value="{sku}">
<label class="inline">Pieces<input name="qty" type="number" min="1" max="{most}" value="1" required></label>
<button>Add to cart</button>
</form>
<p class="said" role="status" hidden>In your cart. <a href="/demo/cart">Go to the cart</a></p>
</div></article>"""

_CART_LINE = """<tr><th scope="row"><a href="/demo/products/{sku}">{name}</a></th>
<td class="each">{price}</td>
<td><form method="post" action="/demo/cart/change" data-does="cart-modify" data-sku="{sku}">
<input type="hidden" name="sku" value="{sku}">
<label><span class="unseen">Pieces of {name}</span>
<input name="qty" type="number" min="0" max="{most}" value="{qty}" required></label>
<button class="quiet">Change</button></form></td>
<td>{amount}</td></tr>"""

_CART = """<h1>Your cart</h1>{problem}
<div class="scroll"><table>
<thead><tr><th scope="col">Product</th><th scope="col" class="each">Each</th><th scope="col">Pieces</th>
<th scope="col">Amount</th></tr></thead>
<tbody>{lines}</tbody></table></div>
{totals}
<form method="post" action="/demo/cart/code" class="inline-form">
<label class="inline">Discount code<input name="code" value="{code}" maxlength="40"
 placeholder="{example}" autocomplete="off"></label><button class="quiet">Use it</button></form>
<p><a class="button" href="/demo/checkout">Check out</a></p>"""

_EMPTY_CART = Markup(
    '<h1>Your cart</h1><p>It is empty. <a href="/demo/">Have a look at what there is.</a></p>'
)

_CHECKOUT = """<p class="crumbs">Step 1 of 2</p><h1>Where should it go?</h1>{problem}{invitation}
<form method="post" action="/demo/checkout" class="fields">{fields}<button>Go on to payment</button></form>"""

_PAY = """<p class="crumbs">Step 2 of 2</p><h1>Pay and order</h1>
<p>To {name}, {city} {zipcode}, {country}. <a href="/demo/checkout">Change</a></p>
<ul class="plain">{lines}</ul>{totals}
<form method="post" action="/demo/checkout/pay" class="fields">{payment}
<button>Place the order</button></form>"""

_TOTALS = """<dl class="totals"><dt>Products</dt><dd>{subtotal}</dd>{discount}
<dt>Shipping</dt><dd>{shipping}</dd><dt>Total</dt><dd>{total}</dd></dl>"""


def shop_window(currency: str) -> Page:
    """Everything there is."""
    cards = join(
        fill(
            _CARD,
            sku=product.sku,
            name=product.name,
            picture=drawing(product),
            price=money(product.price, currency),
        )
        for product in PRODUCTS.values()
    )
    top = Markup("<h1>Things for the table</h1><p>Made slowly, sold calmly.</p>")
    return Page("Things for the table", fill('{top}<ul class="cards">{cards}</ul>', top=top, cards=cards))


def product_page(product: Product, currency: str, *, logged_in: bool) -> Page:
    """One product."""
    content = fill(
        _PRODUCT,
        view=json.dumps(payloads.product_view(product, logged_in=logged_in)),
        picture=drawing(product),
        categories=" / ".join(product.categories),
        name=product.name,
        price=money(product.price, currency),
        plain_price=product.price,
        text=product.text,
        sku=product.sku,
        most=MAX_QTY,
    )
    return Page(product.name, content)


def cart_page(session: Session, currency: str, problem: str = "") -> Page:
    """What is in the cart."""
    cart = session.cart
    if not cart.quantities:
        return Page("Your cart", _EMPTY_CART)
    content = fill(
        _CART,
        problem=alert(problem),
        lines=join(_cart_line(line, currency) for line in cart.lines),
        totals=totals(amounts_of(cart.lines, cart.code), currency),
        code=cart.code,
        example=DISCOUNT_CODE,
    )
    return Page("Your cart", content)


def _cart_line(line: Line, currency: str) -> Markup:
    return fill(
        _CART_LINE,
        sku=line.product.sku,
        name=line.product.name,
        price=money(line.product.price, currency),
        qty=line.qty,
        most=MAX_QTY,
        amount=money(line.amount, currency),
    )


def checkout_page(session: Session, problem: str = "") -> Page:
    """The first step: where it goes."""
    account, known = session.account, session.delivery
    name = f"{account.first_name} {account.last_name}" if account else ""
    invitation = Markup(
        '<p>New here? <a href="/demo/register?then=checkout">Register</a>,'
        ' <a href="/demo/login?then=checkout">sign in</a>, or go on as a guest.</p>'
    )
    fields = join(
        [
            field("Name", "name", known.get("name", name), fill_in="name"),
            field("City", "city", known.get("city", ""), fill_in="address-level2"),
            field("Postal code", "zipcode", known.get("zipcode", ""), fill_in="postal-code"),
            choice("Country", "country", COUNTRIES, known.get("country", "DEU")),
        ]
    )
    content = fill(_CHECKOUT, problem=alert(problem), invitation="" if account else invitation, fields=fields)
    return Page("Checkout: delivery", content, page_type="checkout-1")


def pay_page(session: Session, currency: str) -> Page:
    """The second step: how it is paid."""
    delivery, lines = session.delivery, session.cart.lines
    content = fill(
        _PAY,
        name=delivery["name"],
        city=delivery["city"],
        zipcode=delivery["zipcode"],
        country=COUNTRIES[delivery["country"]],
        lines=line_list(lines),
        totals=totals(amounts_of(lines, session.cart.code), currency),
        payment=choice("Payment", "payment", PAYMENTS, "card"),
    )
    return Page("Checkout: payment", content, page_type="checkout-2")


def line_list(lines: list[Line]) -> Markup:
    """What an order consists of, in words."""
    return join(fill("<li>{qty} × {name}</li>", qty=line.qty, name=line.product.name) for line in lines)


def totals(amounts: Amounts, currency: str) -> Markup:
    """What it costs, line by line."""
    discount = fill("<dt>Discount</dt><dd>−{amount}</dd>", amount=money(amounts.discount, currency))
    return fill(
        _TOTALS,
        subtotal=money(amounts.subtotal, currency),
        discount=discount if amounts.discount else "",
        shipping=money(amounts.shipping, currency) if amounts.shipping > Decimal(0) else "free",
        total=money(amounts.total, currency),
    )


def nothing_here() -> Page:
    """There is no such page, or it is somebody else's."""
    text = '<h1>There is nothing here</h1><p><a href="/demo/">Back to the shop</a></p>'
    return Page("Nothing here", Markup(text), status=404)
