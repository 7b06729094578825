"""shopalytic.contrib in Django, Starlette, FastAPI and Flask, with a real server behind the tag."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import django
import fastapi
import flask
import pytest
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient as DjangoAsyncClient
from django.test import Client as DjangoClient
from django.test import override_settings
from django.urls import path
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

import shopalytic
from shopalytic import current
from shopalytic.contrib import asgi, wsgi
from shopalytic.contrib.visits import tracking_id_in
from shopalytic.testing import FakeClient
from shopalytic.testing.server import Server

DEVICE = "0190b6f0-8c7e-7cc0-9d3a-5f1c2b7a4e10"
COOKIE = f"theme=dark; shopalytic_id={DEVICE}"
ADDED: Any = {"cart_id": "C-1", "sku": "S-1", "price": 9.99, "qty": 1}
VISITOR = {"Cookie": COOKIE, "Referer": "https://search.example/", "User-Agent": "Firefox"}
Shop = Callable[[FakeClient, str | None], Callable[[str, dict[str, str], bytes], tuple[int, bytes]]]


def buy(*_: Any) -> None:
    shopalytic.track("cart_add", ADDED)


def ask(app: Any, url: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
    """One request, as an ASGI server passes it to an application."""
    sent: list[dict[str, Any]] = []
    where, _, query = url.partition("?")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST" if body else "GET",
        "scheme": "http",
        "path": where,
        "raw_path": where.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [
            (b"host", b"shop.example"),
            *((n.lower().encode(), v.encode()) for n, v in headers.items()),
        ],
        "client": ("203.0.113.9", 1),
        "server": ("shop.example", 80),
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:])


def starlette_shop(client: FakeClient, gateway: str | None) -> Any:
    async def view(_: Request) -> PlainTextResponse:
        buy()
        return PlainTextResponse("ok")

    app = Starlette(routes=[Route("/buy", view)])
    app.add_middleware(
        asgi.ShopalyticMiddleware,
        client=client,
        gateway=gateway,
        identity=lambda scope: dict(scope["headers"]).get(b"x-user", b"").decode(),
        consent=lambda scope: False if b"x-no" in dict(scope["headers"]) else None,
    )
    return lambda url, headers, body: ask(app, url, headers, body)


def fastapi_shop(client: FakeClient, gateway: str | None) -> Any:
    app = fastapi.FastAPI()
    app.get("/buy")(lambda: buy())  # a synchronous view, which FastAPI runs in a thread
    app.add_middleware(
        asgi.ShopalyticMiddleware,
        client=client,
        gateway=gateway,
        identity=lambda scope: dict(scope["headers"]).get(b"x-user", b"").decode(),
        consent=lambda scope: False if b"x-no" in dict(scope["headers"]) else None,
    )
    return lambda url, headers, body: ask(app, url, headers, body)


def buy_in_flask() -> str:
    buy()
    return "ok"


def flask_shop(client: FakeClient, gateway: str | None) -> Any:
    app = flask.Flask("shop")
    app.add_url_rule("/buy", "buy", buy_in_flask)
    app.wsgi_app = wsgi.ShopalyticMiddleware(  # type: ignore[method-assign]
        app.wsgi_app,
        client=client,
        gateway=gateway,
        identity=lambda environ: environ.get("HTTP_X_USER"),
        consent=lambda environ: False if "HTTP_X_NO" in environ else None,
    )

    def ask_flask(url: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        given = {name: value for name, value in headers.items() if name != "Cookie"}
        browser = app.test_client(use_cookies=False)
        answer = browser.open(
            url,
            method="POST" if body else "GET",
            headers={**given, **({"Cookie": headers["Cookie"]} if "Cookie" in headers else {})},
            data=body,
            base_url="http://shop.example",
            environ_overrides={"REMOTE_ADDR": "203.0.113.9"},
        )
        return answer.status_code, answer.data

    return ask_flask


class User:
    """Who Django's own middleware finds."""

    def __init__(self, name: str | None) -> None:
        self.pk, self.is_authenticated = name, name is not None


def signed_in(get_response: Any) -> Any:
    def middleware(request: HttpRequest) -> Any:
        request.user = User(request.headers.get("X-User"))
        return get_response(request)

    return middleware


def django_view(_: HttpRequest) -> HttpResponse:
    buy()
    return HttpResponse("ok")


async def django_async_view(_: HttpRequest) -> HttpResponse:
    buy()
    return HttpResponse("ok")


urlpatterns = [path("buy", django_view), path("buy-async", django_async_view)]


@pytest.fixture(scope="module", autouse=True)
def configured() -> None:
    if not settings.configured:
        settings.configure(ALLOWED_HOSTS=["*"], SECRET_KEY="x", DATABASES={})
        django.setup()


def django_shop(client: FakeClient, gateway: str | None) -> Any:
    current.configure(client)
    options = {
        "ROOT_URLCONF": __name__,
        "ALLOWED_HOSTS": ["*"],
        "MIDDLEWARE": [f"{__name__}.signed_in", "shopalytic.contrib.django.ShopalyticMiddleware"],
        "SHOPALYTIC": {
            "gateway": gateway,
            "consent": lambda request: False if "X-No" in request.headers else None,
        },
    }

    def ask_django(url: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        with override_settings(**options):
            browser = DjangoClient(headers=headers, REMOTE_ADDR="203.0.113.9", HTTP_HOST="shop.example")
            answer = browser.post(url, body, "text/plain") if body else browser.get(url)
            return answer.status_code, answer.content

    return ask_django


def django_async_shop(client: FakeClient, gateway: str | None) -> Any:
    current.configure(client)
    options = {
        "ROOT_URLCONF": __name__,
        "ALLOWED_HOSTS": ["*"],
        "MIDDLEWARE": [f"{__name__}.signed_in", "shopalytic.contrib.django.ShopalyticMiddleware"],
        "SHOPALYTIC": {
            "gateway": gateway,
            "consent": lambda request: False if "X-No" in request.headers else None,
        },
    }

    def ask_django(url: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        async def asked() -> Any:
            browser = DjangoAsyncClient()
            browser.cookies.load(headers.get("Cookie", ""))
            given = {name: value for name, value in headers.items() if name not in ("Content-Type", "Cookie")}
            more: Any = {"headers": given, "REMOTE_ADDR": "203.0.113.9", "HTTP_HOST": "shop.example"}
            if body:
                return await browser.post(url, body, "text/plain", **more)
            return await browser.get("/buy-async" if url == "/buy" else url, **more)

        with override_settings(**options):
            answer = asyncio.run(asked())
            return answer.status_code, answer.content

    return ask_django


@pytest.fixture(params=[starlette_shop, fastapi_shop, flask_shop, django_shop, django_async_shop])
def shop(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(current, "_client", None)
    return request.param


def test_an_event_of_a_view_belongs_to_the_visitor(shop: Any):
    fake = FakeClient()
    status, _ = shop(fake, None)("/buy", VISITOR, b"")
    assert status == 200
    found = fake.assert_tracked("cart_add", sku="S-1", tracking_id=DEVICE, identity=None)
    assert found.context["url"].startswith("http://")
    assert found.context["url"].endswith(("/buy", "/buy-async"))
    assert found.context["referrer"] == "https://search.example/"
    assert found.context["user_agent"] == "Firefox"
    assert "analytics_consent" not in found.context
    fake.assert_not_tracked("identify")


def test_who_is_signed_in_is_identified_once(shop: Any):
    fake = FakeClient()
    send = shop(fake, None)
    for _ in range(3):
        send("/buy", {**VISITOR, "X-User": "ada"}, b"")
    fake.assert_tracked("cart_add", identity="ada", tracking_id=DEVICE)
    assert len(fake.kept.of("cart_add")) == 3
    if shop not in (django_shop, django_async_shop):  # these make their middleware anew for each request
        assert len(fake.kept.of("identify")) == 1


def test_a_refused_consent_goes_with_the_event(shop: Any):
    fake = FakeClient()
    shop(fake, None)("/buy", {**VISITOR, "X-No": "1"}, b"")
    assert fake.assert_tracked("cart_add").context["analytics_consent"] == "denied"


def test_the_tag_is_served_as_the_shops_own(shop: Any, shopalytic_server: Server):
    send = shop(FakeClient(), shopalytic_server.http_address)
    view = {"type": "page_view", "properties": {"url": "https://shop.example/", "referrer": ""}}
    body = json.dumps({"token": shopalytic_server.key("browser"), "events": [view]}).encode()
    status, answer = send("/collect", {"Cookie": COOKIE, "Content-Type": "text/plain"}, body)
    assert status == 200, answer
    assert json.loads(answer)["tracking_id"] == DEVICE
    assert json.loads(answer)["results"][0]["status"] == "ACCEPTED"
    assert send("/shopalytic-stub.js", {}, b"")[0] in (200, 404)


def test_a_gateway_that_is_away_is_told_as_such(shop: Any):
    status, _ = shop(FakeClient(), "http://127.0.0.1:1")("/collect", {}, b"{}")
    assert status == 503


@pytest.mark.parametrize(
    "cookies", ["", "shopalytic_id=", "shopalytic_id=<script>", "x=1; shopalytic_id=short"]
)
def test_a_cookie_that_is_none_of_ours_names_nobody(cookies: str):
    assert tracking_id_in(cookies) is None
