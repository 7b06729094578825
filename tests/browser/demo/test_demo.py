"""The demo shop as a person uses it: from the shop window to the refund, and what Shopalytic then knows."""

import json

import pytest
from selenium.webdriver.common.by import By

from browser.tag.scripted_shop import COOKIE
from running.running_service import Service, folder
from shopalytic.v1.reports_pb2 import CustomerSelector, GetCustomerRequest
from shopalytic.v1.reports_pb2_grpc import ReportServiceStub

STORED = ("ACCEPTED", "DUPLICATE")


class Demo(Service):
    """`shopalytic demo` without other visitors, and somebody with a browser in it."""

    visitor = None

    def start(self, *more_flags):
        where = ["--data-dir", str(self.data_dir), "--grpc-port", "0", "--http-port", "0"]
        return self.start_as("demo", *where, "--visitors-per-minute", "0", *more_flags)

    def open(self, path=""):
        self.visitor.visit(self.ready["demo_address"] + path)

    def click(self, selector):
        # On a small screen the panel lies over the foot of the page; a person scrolls, too.
        self.visitor.run(
            f"document.querySelector({json.dumps(selector)}).scrollIntoView({{block: 'center'}})"
        )
        self.visitor.driver.find_element(By.CSS_SELECTOR, selector).click()

    def press(self, selector):
        """Click what leads to another page, and wait until it has loaded."""
        self.visitor.run("window.isOld = true")
        self.click(selector)
        self.visitor.until("!window.isOld && document.readyState === 'complete'")

    def fill(self, **fields):
        for name, value in fields.items():
            box = self.visitor.driver.find_element(By.NAME, name)
            box.clear()
            box.send_keys(value)

    def until_shown(self, kind, *, statuses=STORED, number=1):
        """Wait until the live panel shows so many events of a kind with such a verdict.

        What is sent on leaving a page is sent again on the next, where its answer can be seen: a DUPLICATE.
        """
        rows = ", ".join(f"#panel li[data-type='{kind}'][data-status='{status}']" for status in statuses)
        self.visitor.until(f"document.querySelectorAll({json.dumps(rows)}).length >= {number}")

    def put_into_cart(self, sku):
        self.open(f"products/{sku}")
        self.click(".product button")
        self.visitor.until("!document.querySelector('.said').hidden")

    def register(self, email="ann@example.com"):
        self.fill(first_name="Ann", last_name="Lee", email=email)
        self.press(".fields button")

    def order(self):
        self.fill(name="Ann Lee", city="Graz", zipcode="8010")
        self.press(".fields button")
        self.press(".fields button")

    def customer(self, **selector):
        """What GetCustomer says."""
        with self.channel() as channel:
            request = GetCustomerRequest(customer=CustomerSelector(**selector))
            answer = ReportServiceStub(channel).GetCustomer(
                request, metadata=self.metadata("reports"), timeout=60
            )
        return answer.customer

    @property
    def identity(self):
        return self.visitor.run("return document.body.dataset.identity")


@pytest.fixture(scope="module")
def service():
    with folder() as place, Demo(place) as running:
        yield running


@pytest.fixture
def demo(service, visitor):
    service.visitor = visitor
    service.open("shop.css")
    visitor.run("sessionStorage.clear(); localStorage.clear()")
    return service


def test_shopping_ends_in_one_customer_with_order_refund_and_browser(demo, visitor):
    demo.open("?utm_source=letter")
    demo.put_into_cart("POT-ROUND")
    demo.until_shown("cart_add")
    demo.open("cart")
    demo.fill(qty="2")
    demo.click("td button")
    demo.until_shown("cart_modify")
    demo.press("a.button")
    demo.press("main a[href*=register]")
    demo.register()
    demo.order()
    demo.until_shown("order")
    for action in ("ship", "deliver", "refund-piece", "refund-all"):
        demo.press(f"form[action$='/{action}'] button")
    for kind, number in {"customer_register": 1, "shipment": 1, "shipment_delivered": 1, "refund": 2}.items():
        demo.until_shown(kind, number=number)
    demo.until_shown("identify")
    cookie = visitor.cookies(demo.ready["http_address"])[COOKIE]["value"]

    customer = demo.customer(identity=demo.identity)
    assert list(customer.tracking_ids) == [cookie]
    assert customer.profile.email == "ann@example.com"
    (value,) = customer.values
    assert (value.orders, value.gross, value.refunds) == (1, "128.00", "128.00")
    assert demo.customer(tracking_id=cookie).customer_id == customer.customer_id


def test_the_panel_names_the_field_and_the_rule_that_failed(demo):
    demo.open("register")
    demo.register("bea@example.com")
    demo.until_shown("identify")
    demo.fill(card="0")
    demo.click("form[data-does=alias] button")
    demo.until_shown("alias", statuses=["QUARANTINED"])
    said = demo.visitor.run("return document.querySelector('#panel .violation').textContent")
    assert said.startswith("alias.identity: is a placeholder")


def test_checkout_pages_are_seen_once_and_with_their_label(demo):
    demo.put_into_cart("TEA-GREEN")
    demo.open("checkout")
    demo.until_shown("page_view", number=2)
    demo.visitor.run("return shopalytic.track('customer_update', {first_name: 'Ann'})")
    entries = demo.visitor.run("return JSON.parse(sessionStorage['demo-panel'])")
    views = [entry["properties"] for entry in entries if entry["type"] == "page_view"]
    assert [view.get("page_type") for view in views if view["url"].endswith("/checkout")] == ["checkout-1"]


def test_after_signing_out_the_next_person_is_another_customer(demo, visitor):
    demo.open("register")
    demo.register("cleo@example.com")
    demo.until_shown("identify")
    first = visitor.cookies(demo.ready["http_address"])[COOKIE]["value"]
    demo.press("form[data-does=sign-out] button")
    demo.put_into_cart("SPOON-OLIVE")
    demo.until_shown("cart_add")
    second = visitor.cookies(demo.ready["http_address"])[COOKIE]["value"]
    assert second != first
    ids = {demo.customer(tracking_id=cookie).customer_id for cookie in (first, second)}
    assert len(ids) == 2


def test_names_and_codes_full_of_markup_stay_text(demo, visitor):
    demo.open("register")
    demo.fill(first_name="<b>Ann", last_name='"><script>window.broken = 1</script>', email="dora@example.com")
    demo.press(".fields button")
    assert visitor.run("return document.querySelector('nav a').textContent") == "<b>Ann"
    assert visitor.run("return window.broken") is None


def test_somebody_elses_order_is_not_shown(demo, visitor):
    demo.put_into_cart("BOWL-OAT")
    demo.open("checkout")
    demo.order()
    address = visitor.run("return location.pathname")
    assert address.startswith("/demo/orders/")
    visitor.forget_everything()
    demo.open(address.removeprefix("/demo/"))
    assert visitor.run("return document.querySelector('h1').textContent") == "There is nothing here"
