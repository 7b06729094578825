"""What every page of the shop has around its content: head, header, the live panel and footer."""

import json
from dataclasses import dataclass
from decimal import Decimal

from shopalytic_demo.pages.markup import Markup, fill, join
from shopalytic_demo.shop.state import Session

MAX_FIELD = 100

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title} · Kiln &amp; Kettle</title>
<link rel="stylesheet" href="/demo/shop.css">
<link rel="icon" href="/demo/icon.svg" type="image/svg+xml">
<script src="/demo/panel.js"></script>
<script src="{stub}" data-token="{key}" data-options="{options}"></script>
<script src="/demo/shop.js" defer></script>
</head>
<body data-cart="{cart_id}" data-identity="{identity}" data-page-type="{page_type}">
<a class="skip" href="#content">Skip to content</a>
<header class="top">
<a class="brand" href="/demo/">Kiln &amp; Kettle</a>
<nav aria-label="Shop">{account}
<a class="cart" href="/demo/cart">Cart <span class="count">{count}</span></a></nav>
</header>
<div class="columns">
<main id="content">{content}</main>
<aside class="panel" aria-label="What Shopalytic sees">
<details open>
<summary>Live: what Shopalytic sees</summary>
<p class="hint">Every event of this visit and the server’s answer, newest first.</p>
<ol id="panel" aria-live="polite"></ol>
<p class="hint panel-empty">Nothing has been sent yet. If this stays so, is the tag blocked?</p>
<button type="button" id="panel-clear" class="quiet">Clear the list</button>
</details>
</aside>
</div>
<footer>A demo shop: nothing is charged, nothing is sent, and it forgets you when it ends.
<a href="/">See the reports</a></footer>
</body>
</html>
"""

_SIGNED_IN = """<a href="/demo/account">{name}</a>
<form method="post" action="/demo/logout" data-does="sign-out">
<button class="link">Sign out</button></form>"""
_SIGNED_OUT = Markup('<a href="/demo/login">Sign in</a><a href="/demo/register">Register</a>')


@dataclass(frozen=True, slots=True)
class Tag:
    """How the shop's pages load the browser tag."""

    stub: str
    """Path of the stub, which is a file because the pages' policy forbids inline scripts."""
    key: str


@dataclass(frozen=True, slots=True)
class Page:
    """One page's own part."""

    title: str
    content: Markup
    page_type: str = ""
    """The funnel's label. A labelled page sends its page view itself, so the tag must not."""
    status: int = 200


def render(page: Page, tag: Tag, session: Session) -> str:
    """The whole page."""
    options: dict[str, object] = {"source": "web"}
    if page.page_type:
        options["autotrack"] = False
    account = session.account
    return fill(
        _PAGE,
        title=page.title,
        stub=tag.stub,
        key=tag.key,
        options=json.dumps(options),
        cart_id=session.cart.cart_id,
        identity=account.identity if account else "",
        page_type=page.page_type,
        account=fill(_SIGNED_IN, name=account.first_name) if account else _SIGNED_OUT,
        count=session.cart.count,
        content=page.content,
    )


def money(amount: Decimal, currency: str) -> Markup:
    """An amount as pages show it."""
    return fill('<span class="money">{amount} {currency}</span>', amount=f"{amount:.2f}", currency=currency)


def alert(message: str) -> Markup:
    """A sentence about what went wrong; nothing if nothing did."""
    return fill('<p class="alert" role="alert">{message}</p>', message=message) if message else Markup("")


def field(label: str, name: str, value: str = "", *, kind: str = "text", fill_in: str = "off") -> Markup:
    """One required field of a form."""
    return fill(
        '<label>{label}<input name="{name}" type="{kind}" value="{value}" autocomplete="{fill_in}"'
        ' maxlength="{length}" required></label>',
        label=label,
        name=name,
        kind=kind,
        value=value,
        fill_in=fill_in,
        length=MAX_FIELD,
    )


def choice(label: str, name: str, options: dict[str, str], chosen: str) -> Markup:
    """A field with a few possible values."""
    items = join(
        fill(
            '<option value="{value}"{mark}>{text}</option>',
            value=value,
            text=text,
            mark=Markup(" selected" if value == chosen else ""),
        )
        for value, text in options.items()
    )
    return fill(
        '<label>{label}<select name="{name}">{items}</select></label>', label=label, name=name, items=items
    )
