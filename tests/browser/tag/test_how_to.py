"""The snippets of the how-tos, in pages: what they send is what the contract takes."""

import re
import subprocess
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from browser.tag.scripted_shop import REPOSITORY, Reply, ScriptedShop, always
from browser.visitor import Visitor, give_up
from running.terminal import snippet
from shopalytic.events.decoding import decode_event
from shopalytic.v1.rules import violations

GATEWAY = "https://stats.shop.example"
PUSHED = """
    window.dataLayer = window.dataLayer || [];
    window.CART_ID = "C-1";
    const mug = {item_id: 7, item_name: "Blue mug", price: 9.99, quantity: 2};
    dataLayer.push({event: "view_item", ecommerce: {currency: "EUR", value: 9.99, items: [mug]}});
"""


def of(shop: ScriptedShop, name: str) -> str:
    """A snippet, with the test's gateway in it."""
    return snippet(name).replace(GATEWAY, shop.url().rstrip("/"))


def arrived(shop: ScriptedShop, *types: str) -> dict[str, dict[str, Any]]:
    """The events by type, when they are there and right by every rule of the contract."""
    shop.until_events(len(types))
    assert sorted(shop.types()) == sorted(types)
    for event in shop.events:
        # Whose they are, the tag says once for the whole batch.
        owned = decode_event({"tracking_id": "visitor", **event}, fill=True)
        assert [str(each) for each in violations(owned)] == []
    return {event["type"]: event["properties"] for event in shop.events}


def test_tag_manager_and_what_the_shop_tells_its_data_layer(shop: ScriptedShop, visitor: Visitor) -> None:
    later = """
        dataLayer.push({event: "add_to_cart", ecommerce: {currency: "EUR", items: [mug]}});
        dataLayer.push({event: "purchase", ecommerce: {transaction_id: 1001, currency: "EUR", value: 19.98,
            tax: 3.19, shipping: 5, items: [mug]}});
        dataLayer.push({event: "gtm.load"}, {ecommerce: null});
        return dataLayer.length;"""
    shop.pages["/"] = (
        f"<!doctype html><title>Tag Manager</title><head><script>{PUSHED}</script>"
        f"{of(shop, 'tag-manager.html')}</head>{of(shop, 'data-layer.html')}"
    )
    visitor.visit(shop.url())
    assert visitor.run(later) == 5
    properties = arrived(shop, "page_view", "product_view", "cart_add", "order")
    assert properties["product_view"] == {"sku": "7", "name": "Blue mug", "price": "9.99", "currency": "EUR"}
    order = properties["order"]
    assert (order["total"], order["subtotal"], order["cart_id"]) == ("28.17", "19.98", "C-1")


def test_a_banner_and_a_strict_policy(shop: ScriptedShop, visitor: Visitor) -> None:
    stub, _, inline = of(shop, "consent.html").partition("\n<script>")
    name, _, policy = of(shop, "policy").strip().partition(": ")
    shop.page_headers[name] = policy
    shop.pages["/"] = f"<!doctype html><title>Banner</title>{stub}"
    visitor.visit(shop.url())
    visitor.until("shopalytic.version")
    assert shop.requests == []
    visitor.run(f"{inline.rpartition('</script>')[0]}; chosen(true);")
    arrived(shop, "page_view")
    assert shop.events[0]["context"]["analytics_consent"] == "granted"


def bundled(folder: Path, entry: str, shop: ScriptedShop) -> str:
    """One script of a framework's file, of our module and what stands in for React."""
    (folder / "analytics.js").write_text(of(shop, "analytics.js"))
    (folder / "main.jsx").write_text(of(shop, entry))
    modules = folder / "node_modules"
    modules.mkdir()
    (modules / "shopalytic").symlink_to(REPOSITORY / "clients" / "javascript")
    installed = REPOSITORY / "clients/dashboard/node_modules"
    if not (installed / ".bin/esbuild").exists():
        give_up("the dashboard's packages are not installed (make node)")
    (modules / "preact").symlink_to(installed / "preact")
    command = [installed / ".bin/esbuild", "main.jsx", "--bundle", "--format=iife", "--jsx=automatic"]
    command += ["--jsx-import-source=preact", "--alias:react-dom/client=preact/compat/client"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_react_component_tracks(shop: ScriptedShop, visitor: Visitor, tmp_path: Path) -> None:
    script = bundled(tmp_path, "react.jsx", shop)
    shop.pages["/"] = f"<!doctype html><title>React</title><div id=app></div><script>{script}</script>"
    visitor.visit(shop.url())
    visitor.run("document.querySelector('button').click()")
    assert arrived(shop, "page_view", "cart_add")["cart_add"]["sku"] == "MUG-1"


SHOPIFY = {
    "customer.email": '"ada@shop.example"',
    "product.selected_or_first_available_variant.sku | default: product.id": '"MUG-1"',
    "product.title": '"Blue \\"mug\\""',
    "product.price | divided_by: 100.0": "9.99",
    "cart.currency.iso_code": '"EUR"',
}


def test_shopifys_theme(shop: ScriptedShop, visitor: Visitor) -> None:
    text = re.sub(r"{%.*?%}", "", of(shop, "shopify.liquid"))
    for name, value in SHOPIFY.items():
        text = text.replace(f"{{{{ {name} | json }}}}", value)
    assert "{{" not in text
    shop.pages["/"] = f"<!doctype html><title>Shopify</title>{text}"
    visitor.visit(shop.url())
    assert arrived(shop, "page_view", "identify", "product_view")["product_view"]["sku"] == "MUG-1"


PIXEL = """
    const money = (amount) => ({amount, currencyCode: "EUR"});
    const variant = {sku: "", id: "gid-7", price: money(9.99)};
    const happened = {
        product_added_to_cart: {cartLine: {merchandise: variant, quantity: 2}},
        checkout_completed: {checkout: {
            order: {id: "gid://shopify/Order/1"}, currencyCode: "EUR", email: "ada@shop.example",
            totalPrice: money(24.98), subtotalPrice: money(19.98), totalTax: money(3.19),
            shippingLine: {price: money(5)},
            lineItems: [{variant, title: "Blue mug", quantity: 2}]}},
    };
    window.analytics = {subscribe: (name, tell) => void tell(
        {clientId: "pixel-1", timestamp: new Date().toISOString(), data: happened[name]})};
"""


def test_shopifys_pixel(shop: ScriptedShop, visitor: Visitor) -> None:
    # A pixel leaves it to the gateway to name its events, which the shop's endpoint here does not do.
    shop.behave = always(Reply())
    shop.pages["/"] = (
        f"<!doctype html><script>{PIXEL}</script><script>{of(shop, 'shopify-pixel.js')}</script>"
    )
    visitor.visit(shop.url())
    order = arrived(shop, "cart_add", "order")["order"]
    assert order["line_items"] == [{"sku": "gid-7", "name": "Blue mug", "price": "9.99", "qty": 2}]


def test_prestashops_theme(shop: ScriptedShop, visitor: Visitor) -> None:
    text = re.sub(r"{/?literal}", "", of(shop, "prestashop.tpl"))
    text = text.replace("{if $customer.is_logged}", "").replace("{/if}", "")
    text = text.replace("{$customer.email|json_encode nofilter}", '"ada@shop.example"')
    shop.pages["/"] = f"<!doctype html><title>PrestaShop</title>{text}"
    visitor.visit(shop.url())
    arrived(shop, "page_view", "identify")
    assert shop.events[0]["source"] == "web"


def test_magentos_layout_is_xml() -> None:
    assert ET.fromstring(snippet("magento.xml")).find(".//block") is not None
