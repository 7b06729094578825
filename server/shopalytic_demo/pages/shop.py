"""The shop as a web application: which page is where, and what its forms do."""

import re
from collections.abc import Awaitable, Callable
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route, Router
from starlette.types import Receive, Scope, Send

from shopalytic_demo.pages import account_pages, shop_pages
from shopalytic_demo.pages.forms import UnreadableForm, missing, quantity, read_form
from shopalytic_demo.pages.layout import Page, Tag, render
from shopalytic_demo.shop.backend import Backend, new_order
from shopalytic_demo.shop.basket import DISCOUNTS
from shopalytic_demo.shop.catalogue import PRODUCTS
from shopalytic_demo.shop.state import MAX_QTY, Cart, Session, ShopState

HOME = "/demo/"
SESSION_COOKIE = "demo_session"
TRACKING_COOKIE = "shopalytic_id"
_THEN = {"checkout": "/demo/checkout"}
_TRACKING_ID = re.compile(r"[0-9A-Za-z_-]{16,64}")
_HEADERS = {
    # No inline script or style anywhere, and nothing from other hosts.
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
        " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    # The tag reports which of our pages a visitor came from.
    "referrer-policy": "same-origin",
    "cache-control": "no-store",
}
_FILES = {"shop.css": "text/css", "shop.js": "text/javascript", "panel.js": "text/javascript"}
_FILES["icon.svg"] = "image/svg+xml"

Handler = Callable[[Request, Session], Awaitable[Response]]
Form = dict[str, str]


class Shop:
    """The application. It knows Shopalytic by its keys and addresses only."""

    def __init__(self, backend: Backend, tag: Tag, currency: str) -> None:
        self._backend = backend
        self._tag = tag
        self._currency = currency
        self._state = ShopState()
        self._router = Router(self._routes(), redirect_slashes=False, default=self._lost)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request."""
        await self._router(scope, receive, send)

    def _routes(self) -> list[Route]:
        static = [Route(f"/demo/{name}", _static(name, kind)) for name, kind in _FILES.items()]
        return [
            Route("/demo", self._home),
            Route(HOME, self._page(self._window)),
            Route("/demo/products/{sku}", self._page(self._product)),
            Route("/demo/cart", self._page(self._cart)),
            Route("/demo/cart/add", self._page(self._cart_add), methods=["POST"]),
            Route("/demo/cart/change", self._page(self._cart_change), methods=["POST"]),
            Route("/demo/cart/code", self._page(self._cart_code), methods=["POST"]),
            Route("/demo/checkout", self._page(self._checkout), methods=["GET", "POST"]),
            Route("/demo/checkout/pay", self._page(self._pay), methods=["GET", "POST"]),
            Route("/demo/register", self._page(self._register), methods=["GET", "POST"]),
            Route("/demo/login", self._page(self._login), methods=["GET", "POST"]),
            Route("/demo/logout", self._page(self._logout), methods=["POST"]),
            Route("/demo/account", self._page(self._account), methods=["GET", "POST"]),
            Route("/demo/orders/{order_id}", self._page(self._order)),
            Route("/demo/orders/{order_id}/{action}", self._page(self._order_action), methods=["POST"]),
            Route("/demo/backend-events", self._page(self._backend_events)),
            *static,
        ]

    def _page(self, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        """A handler that is given the visitor's session, and keeps it by a cookie."""

        async def handle(request: Request) -> Response:
            token = request.cookies.get(SESSION_COOKIE)
            session = self._state.session(token)
            try:
                response = await handler(request, session)
            except UnreadableForm as problem:
                response = Response(str(problem), 400, media_type="text/plain")
            response.headers.update(_HEADERS)
            if session.token != token:
                response.set_cookie(
                    SESSION_COOKIE, session.token, path="/demo", httponly=True, samesite="lax"
                )
            return response

        return handle

    def _show(self, page: Page, session: Session) -> Response:
        return Response(render(page, self._tag, session), page.status, media_type="text/html")

    async def _home(self, _request: Request) -> Response:
        return RedirectResponse(HOME, 308)

    async def _lost(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def nothing(_request: Request, session: Session) -> Response:
            return self._show(shop_pages.nothing_here(), session)

        response = await self._page(nothing)(Request(scope, receive))
        await response(scope, receive, send)

    # Looking and buying.

    async def _window(self, _request: Request, session: Session) -> Response:
        return self._show(shop_pages.shop_window(self._currency), session)

    async def _product(self, request: Request, session: Session) -> Response:
        product = PRODUCTS.get(request.path_params["sku"])
        if product is None:
            return self._show(shop_pages.nothing_here(), session)
        page = shop_pages.product_page(product, self._currency, logged_in=session.account is not None)
        return self._show(page, session)

    async def _cart(self, _request: Request, session: Session) -> Response:
        return self._show(shop_pages.cart_page(session, self._currency), session)

    async def _cart_add(self, request: Request, session: Session) -> Response:
        form = await read_form(request)
        sku, qty = form.get("sku", ""), quantity(form, 1, MAX_QTY)
        if sku not in PRODUCTS or qty is None:
            return self._cart_problem(session)
        session.cart.put(sku, session.cart.quantities.get(sku, 0) + qty)
        return _go("/demo/cart")

    async def _cart_change(self, request: Request, session: Session) -> Response:
        form = await read_form(request)
        sku, qty = form.get("sku", ""), quantity(form, 0, MAX_QTY)
        if sku not in session.cart.quantities or qty is None:
            return self._cart_problem(session)
        session.cart.put(sku, qty)
        return _go("/demo/cart")

    async def _cart_code(self, request: Request, session: Session) -> Response:
        code = (await read_form(request)).get("code", "").upper()
        if code and code not in DISCOUNTS:
            page = shop_pages.cart_page(session, self._currency, "This code is not one of ours.")
            return self._show(page, session)
        session.cart.code = code
        return _go("/demo/cart")

    def _cart_problem(self, session: Session) -> Response:
        page = shop_pages.cart_page(session, self._currency, f"Choose from 1 to {MAX_QTY} pieces.")
        response = self._show(page, session)
        response.status_code = 400
        return response

    async def _checkout(self, request: Request, session: Session) -> Response:
        if not session.cart.quantities:
            return _go("/demo/cart")
        if request.method != "POST":
            return self._show(shop_pages.checkout_page(session), session)
        form = await read_form(request)
        problem = missing(form, "name", "city", "zipcode")
        if len(form.get("zipcode", "")) > 32:
            problem = "Zipcode: at most 32 characters, please."
        if form.get("country") not in shop_pages.COUNTRIES:
            problem = "Country: choose one of the list."
        if problem:
            return self._show(shop_pages.checkout_page(session, problem), session)
        session.delivery = {name: form[name] for name in ("name", "city", "zipcode", "country")}
        return _go("/demo/checkout/pay")

    async def _pay(self, request: Request, session: Session) -> Response:
        if not session.cart.quantities or not session.delivery:
            return _go("/demo/checkout")
        if request.method != "POST":
            return self._show(shop_pages.pay_page(session, self._currency), session)
        payment = (await read_form(request)).get("payment", "")
        if payment not in shop_pages.PAYMENTS:
            return self._show(shop_pages.pay_page(session, self._currency), session)
        order, cart = new_order(session, _tracking_id(request)), session.cart
        session.cart = Cart()
        self._state.keep_order(session, order)
        await self._backend.ordered(session, order, cart.cart_id, payment)
        return _go(f"/demo/orders/{order.order_id}")

    async def _order(self, request: Request, session: Session) -> Response:
        order = self._state.order(session, request.path_params["order_id"])
        page = account_pages.order_page(order, self._currency) if order else shop_pages.nothing_here()
        return self._show(page, session)

    async def _order_action(self, request: Request, session: Session) -> Response:
        actions = {
            "ship": self._backend.ship,
            "deliver": self._backend.deliver,
            "refund-piece": self._backend.refund_piece,
            "refund-all": self._backend.refund_all,
        }
        order = self._state.order(session, request.path_params["order_id"])
        act = actions.get(request.path_params["action"])
        if order is None or act is None:
            return self._show(shop_pages.nothing_here(), session)
        await act(session, order)
        return _go(f"/demo/orders/{order.order_id}")

    # Accounts.

    async def _register(self, request: Request, session: Session) -> Response:
        if request.method != "POST":
            known = {"then": request.query_params.get("then", "")}
            return self._show(account_pages.register_page(known), session)
        form = await read_form(request)
        problem = missing(form, "first_name", "last_name", "email")
        if not problem and self._state.account(form["email"]) is not None:
            problem = "Email: somebody has registered with this address; sign in instead."
        if problem:
            return self._show(account_pages.register_page(form, problem), session)
        account = self._state.register(form["email"], form["first_name"], form["last_name"])
        session.account = account
        await self._backend.registered(session, account, _tracking_id(request))
        return _go(_THEN.get(form.get("then", ""), "/demo/account"))

    async def _login(self, request: Request, session: Session) -> Response:
        if request.method != "POST":
            known = {"then": request.query_params.get("then", "")}
            return self._show(account_pages.sign_in_page(known), session)
        form = await read_form(request)
        problem = missing(form, "email")
        account = None if problem else self._state.account(form["email"])
        if account is None:
            problem = problem or "Nobody has registered with this address since the demo was started."
            return self._show(account_pages.sign_in_page(form, problem), session)
        session.account = account
        return _go(_THEN.get(form.get("then", ""), "/demo/account"))

    async def _logout(self, _request: Request, session: Session) -> Response:
        session.account = None
        session.delivery = {}
        session.order_ids.clear()
        return _go(HOME)

    async def _account(self, request: Request, session: Session) -> Response:
        account = session.account
        if account is None:
            return _go("/demo/login")
        problem = ""
        if request.method == "POST":
            form = await read_form(request)
            problem = missing(form, "first_name", "last_name")
            if not problem:
                account.first_name, account.last_name = form["first_name"], form["last_name"]
                await self._backend.renamed(session, account, _tracking_id(request))
                return _go("/demo/account")
        orders = self._state.orders(session)
        return self._show(account_pages.account_page(account, orders, self._currency, problem), session)

    async def _backend_events(self, _request: Request, session: Session) -> Response:
        events = [
            {
                "event_id": event.event_id,
                "type": event.type,
                "properties": event.properties,
                "status": event.status,
                "violations": event.violations,
            }
            for event in session.events
        ]
        return JSONResponse({"events": events})


def _tracking_id(request: Request) -> str | None:
    """Which browser this is, from the tag's cookie: the shop's backend sees the cookies of its own host."""
    value = request.cookies.get(TRACKING_COOKIE, "")
    return value if _TRACKING_ID.fullmatch(value) else None


def _go(path: str) -> Response:
    return RedirectResponse(path, 303)


def _static(name: str, kind: str) -> Callable[[Request], Awaitable[Response]]:
    content = (files("shopalytic_demo") / "static" / name).read_bytes()

    async def serve(_request: Request) -> Response:
        return Response(content, media_type=kind, headers={"cache-control": "no-cache"})

    return serve
