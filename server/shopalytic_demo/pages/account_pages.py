"""The pages of an account and of its orders."""

from collections.abc import Mapping

from shopalytic_demo.pages.layout import Page, alert, field, money
from shopalytic_demo.pages.markup import Markup, fill, join
from shopalytic_demo.pages.shop_pages import COUNTRIES, line_list, totals
from shopalytic_demo.shop.state import Account, Order

_REGISTER = """<h1>Register</h1>{problem}
<form method="post" action="/demo/register" class="fields">{fields}{then}
<button>Make an account</button></form>
<p>Registered already? <a href="/demo/login">Sign in</a></p>"""

_SIGN_IN = """<h1>Sign in</h1>{problem}
<p>This is a demo: the e-mail address that you registered with is enough.</p>
<form method="post" action="/demo/login" class="fields">{fields}{then}<button>Sign in</button></form>
<p>New here? <a href="/demo/register">Register</a></p>"""

_ACCOUNT = """<h1>Your account</h1>{problem}
<p>You are customer <code>{identity}</code>, {email}.</p>
<section><h2>Name</h2>
<form method="post" action="/demo/account" class="fields">{fields}<button class="quiet">Save</button></form>
</section>
<section><h2>Loyalty card</h2>
<p>Its number becomes another identity of yours.</p>
<form data-does="alias" class="fields">{card}<button class="quiet">Add the card</button></form>
</section>
<section><h2>Orders</h2>{orders}</section>"""

_ORDER = """<h1>Order {order_id}</h1><p class="said" role="status">{status}</p>
<ul class="plain">{lines}</ul>{totals}
<p>To {name}, {city} {zipcode}, {country}.</p>
<section><h2>The shop’s backend</h2>
<p>These buttons stand for the warehouse and the accounts. What they do is sent by the Python client,
over gRPC, with the server key.</p>
<div class="buttons">{buttons}</div></section>"""

_BUTTON = """<form method="post" action="/demo/orders/{order_id}/{action}">
<button class="quiet"{off}>{text}</button></form>"""


def register_page(known: Mapping[str, str], problem: str = "") -> Page:
    """Becoming a customer with a name."""
    fields = join(
        [
            field("First name", "first_name", known.get("first_name", ""), fill_in="given-name"),
            field("Last name", "last_name", known.get("last_name", ""), fill_in="family-name"),
            field("E-mail", "email", known.get("email", ""), kind="email", fill_in="email"),
        ]
    )
    content = fill(_REGISTER, problem=alert(problem), fields=fields, then=_then(known))
    return Page("Register", content)


def sign_in_page(known: Mapping[str, str], problem: str = "") -> Page:
    """Coming back."""
    fields = field("E-mail", "email", known.get("email", ""), kind="email", fill_in="email")
    return Page("Sign in", fill(_SIGN_IN, problem=alert(problem), fields=fields, then=_then(known)))


def _then(known: Mapping[str, str]) -> Markup:
    """Where to go on afterwards: the word is looked up, never used as an address."""
    return fill('<input type="hidden" name="then" value="{then}">', then=known.get("then", ""))


def account_page(account: Account, orders: list[Order], currency: str, problem: str = "") -> Page:
    """Who somebody is and what they bought."""
    rows = join(
        fill(
            '<li><a href="/demo/orders/{order_id}">{order_id}</a> {total}</li>',
            order_id=order.order_id,
            total=money(order.amounts.total, currency),
        )
        for order in orders
    )
    names = [
        field("First name", "first_name", account.first_name, fill_in="given-name"),
        field("Last name", "last_name", account.last_name, fill_in="family-name"),
    ]
    content = fill(
        _ACCOUNT,
        problem=alert(problem),
        identity=account.identity,
        email=account.email,
        fields=join(names),
        card=field("Card number", "card"),
        orders=fill('<ul class="plain">{rows}</ul>', rows=rows) if rows else Markup("<p>None yet.</p>"),
    )
    return Page("Your account", content)


def order_page(order: Order, currency: str) -> Page:
    """An order and what can be done about it."""
    content = fill(
        _ORDER,
        order_id=order.order_id,
        status=_status(order, currency),
        lines=line_list(order.lines),
        totals=totals(order.amounts, currency),
        buttons=_buttons(order),
        **{**order.delivery, "country": COUNTRIES[order.delivery["country"]]},
    )
    return Page(f"Order {order.order_id}", content)


def _status(order: Order, currency: str) -> Markup:
    sentences = [Markup("Thank you for your order.")]
    if order.shipment_id:
        words = "has arrived" if order.delivered else "is on its way"
        sentences.append(fill("The parcel {number} {words}.", number=order.tracking_number, words=words))
    if order.refunded:
        sentences.append(fill("Refunded: {amount}.", amount=money(order.refunded, currency)))
    return Markup(" ".join(sentences))


def _buttons(order: Order) -> Markup:
    can_refund = not order.is_fully_refunded
    actions = [
        ("ship", "Ship the parcel", not order.shipment_id),
        ("deliver", "Deliver the parcel", bool(order.shipment_id) and not order.delivered),
        ("refund-piece", "Refund one piece", can_refund and order.next_return() is not None),
        ("refund-all", "Refund in full", can_refund),
    ]
    return join(
        fill(
            _BUTTON, order_id=order.order_id, action=action, text=text, off=Markup("" if can else " disabled")
        )
        for action, text, can in actions
    )
