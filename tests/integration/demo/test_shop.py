"""The demo shop's pages over plain HTTP: their policy, and forms that are filled in with nonsense."""

import http.client
from http.cookies import SimpleCookie
from urllib.parse import urlencode, urlsplit

import pytest

from running.running_service import Service, folder


class Customer:
    """A browser without scripts: it keeps the session's cookie and follows nothing by itself."""

    def __init__(self, address):
        self._host = urlsplit(address).netloc
        self._cookie = ""

    def ask(self, path, form=None, body=None):
        """Status, headers and text of an answer."""
        connection = http.client.HTTPConnection(self._host, timeout=60)
        try:
            sent = urlencode(form) if form is not None else body
            headers = {"cookie": self._cookie} if self._cookie else {}
            connection.request("GET" if sent is None else "POST", path, sent, headers)
            answer = connection.getresponse()
            cookie = SimpleCookie(answer.getheader("set-cookie", "")).get("demo_session")
            self._cookie = f"demo_session={cookie.value}" if cookie else self._cookie
            return answer.status, dict(answer.getheaders()), answer.read().decode()
        finally:
            connection.close()

    def status(self, path, **form):
        return self.ask(path, form or None)[0]


@pytest.fixture(scope="module")
def service():
    with folder() as place:
        demo = Service(place)
        where = ["--data-dir", str(demo.data_dir), "--grpc-port", "0", "--http-port", "0"]
        demo.start_as("demo", *where, "--visitors-per-minute", "0")
        yield demo
        demo.stop()


@pytest.fixture
def customer(service):
    return Customer(service.ready["http_address"])


def test_pages_allow_no_inline_script_and_no_other_host(customer):
    _, headers, page = customer.ask("/demo/")
    assert "unsafe-inline" not in headers["content-security-policy"]
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "style=" not in page
    assert "http://" not in page
    assert "https://" not in page


def test_the_shop_is_found_without_its_last_slash(customer):
    status, headers, _ = customer.ask("/demo")
    assert (status, headers["location"]) == (308, "/demo/")


@pytest.mark.parametrize("path", ["/demo/nope", "/demo/products/NOPE", "/demo/orders/NOPE", "/demo/shop.py"])
def test_what_is_not_there_is_said_to_be_missing(customer, path):
    assert customer.status(path) == 404


@pytest.mark.parametrize("qty", ["0", "-1", "1.5", "100", "9" * 50, "", "x", "١"])
def test_a_quantity_that_makes_no_sense_puts_nothing_into_the_cart(customer, qty):
    assert customer.status("/demo/cart/add", sku="POT-ROUND", qty=qty) == 400
    assert "It is empty" in customer.ask("/demo/cart")[2]


@pytest.mark.parametrize("body", [b"\xff\xfe", b"sku=%ff", b"a=1&" * 30, b"x" * 20_000])
def test_an_unreadable_form_is_refused(customer, body):
    assert customer.ask("/demo/cart/add", body=body)[0] == 400


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("email", "nobody"),
        ("email", "a b@c"),
        ("first_name", ""),
        ("last_name", "x" * 101),
        ("email", "\x00"),
    ],
)
def test_a_registration_with_a_mistake_is_asked_for_again(customer, field, value):
    form = {"first_name": "Ann", "last_name": "Lee", "email": "mistaken@example.com", field: value}
    status, _, page = customer.ask("/demo/register", form)
    assert status == 200
    assert 'role="alert"' in page


def test_an_address_registers_once(customer, service):
    form = {"first_name": "Ann", "last_name": "Lee", "email": "once@example.com"}
    assert customer.status("/demo/register", **form) == 303
    other = Customer(service.ready["http_address"])
    assert "somebody has registered" in other.ask("/demo/register", {**form, "email": "ONCE@example.com"})[2]


def test_after_registering_only_pages_of_the_shop_come_next(customer):
    form = {"first_name": "A", "last_name": "B", "email": "next@example.com", "then": "https://evil.example/"}
    assert customer.ask("/demo/register", form)[1]["location"] == "/demo/account"


def test_an_order_needs_something_in_the_cart_and_an_address(customer):
    assert customer.ask("/demo/checkout/pay", {"payment": "card"})[1]["location"] == "/demo/checkout"
    customer.status("/demo/cart/add", sku="POT-ROUND", qty="1")
    assert customer.ask("/demo/checkout/pay", {"payment": "card"})[1]["location"] == "/demo/checkout"
    where = {"name": "Ann", "city": "Graz", "zipcode": "8010", "country": "Austria"}
    assert "choose one of the list" in customer.ask("/demo/checkout", where)[2]


def test_what_changes_something_is_not_done_by_a_link(customer):
    assert customer.status("/demo/logout") == 405
    assert customer.status("/demo/cart/add?sku=POT-ROUND&qty=1") == 405
