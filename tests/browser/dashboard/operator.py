"""Somebody at the dashboard: opens pages, reads them, presses things, and checks them for accessibility."""

import json
import secrets
import time
import urllib.request
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from browser.tag.scripted_shop import REPOSITORY
from browser.visitor import Visitor, give_up, wait_for
from running.running_service import Service
from shopalytic_server.domain.access.sign_in import RANDOM_BYTES, Purpose, seal

AXE = REPOSITORY / "clients/dashboard/node_modules/axe-core/axe.min.js"
BUILT = REPOSITORY / "server/shopalytic_server/gateway/static/dashboard/index.html"
SALES_PAGES = ["sales", "products", "coupons", "carts", "fulfilment"]
VISITS_PAGES = ["traffic", "conversion", "funnel", "searches"]
SHOP_PAGES = [*SALES_PAGES, *VISITS_PAGES, "segments", "retention", "lifetime"]
PAGES = ["overview", "customers", *SHOP_PAGES, "live", "quarantine", "install", "import", "definitions"]
# Of the page's origin, and nothing of it is loaded.
NO_PAGE = "/healthz"
ESCAPE = "\ue00c"  # as WebDriver writes the key
WIDE = (1280, 900)
PHONE = (390, 844)

# Records what the page asks of the server, with the question.
RECORD_CALLS = """
    window.asked = [];
    const plain = window.fetch;
    window.fetch = (target, options) => {
        const body = options?.body;
        const text = body instanceof Uint8Array ? new TextDecoder().decode(body) : String(body ?? "");
        const path = new URL(target.url ?? target, location.href).pathname;
        window.asked.push([path.split("/").pop(), text]);
        return plain(target, options);
    };
"""


class Dashboard:
    """The page of one service in the tests' browser."""

    def __init__(self, visitor: Visitor, address: str) -> None:
        self.visitor = visitor
        self.address = address
        self.resize(*WIDE)
        self.prefer("light")

    def forget(self) -> None:
        """Empties what the page has kept in this browser."""
        self.visitor.visit(f"{self.address}{NO_PAGE}")
        self.visitor.run("sessionStorage.clear(); localStorage.clear()")

    def arrive(self, reports_key: str) -> None:
        """Is signed in as whoever came by an address of `shopalytic dashboard`, before any page is loaded.

        Coming by such an address loads the overview with all its reports, more than most tests look at.
        """
        session = seal(reports_key, Purpose.SESSION, time.time(), secrets.token_bytes(RANDOM_BYTES))
        self._cdp(
            "Network.setCookie",
            name=f"shopalytic_dashboard_{urlsplit(self.address).port}",
            value=session,
            url=f"{self.address}/session.json",
            path="/session.json",
            httpOnly=True,
            sameSite="Strict",
        )

    def open(self, page: str = "overview", **state: str) -> None:
        """Opens a page anew, with this state in its address, and waits until it has loaded."""
        # Else only what is behind the # would change, and nothing be loaded.
        if self.visitor.driver.current_url.partition("#")[0] == f"{self.address}/":
            self.visitor.visit("about:blank")
        self.visitor.visit(f"{self.address}/#/{page}" + (f"?{urlencode(state)}" if state else ""))
        self.settled()

    def settled(self) -> None:
        """Waits until nothing loads any more."""
        self.visitor.until(
            "document.querySelector('h1') && !document.querySelector('.state .spinner, .busy')"
        )

    def go(self, page: str) -> None:
        """Follows the link to a page."""
        self.find(f"nav a[href^='#/{page}']").click()
        self.visitor.until(f"location.hash.startsWith('#/{page}')")
        self.settled()

    def find(self, selector: str) -> Any:
        """The first such element, waited for."""
        self.visitor.until(f"document.querySelector({json.dumps(selector)})")
        return self.visitor.driver.find_element("css selector", selector)

    def press(self, text: str) -> None:
        """Presses the button or link with this text."""
        path = f'//*[self::button or self::a][normalize-space()="{text}"]'
        self.sees(text)
        self.visitor.driver.find_element("xpath", path).click()

    def escape(self) -> None:
        """Presses the key that closes things."""
        self.visitor.driver.switch_to.active_element.send_keys(ESCAPE)

    def text(self) -> str:
        """What can be read on the page."""
        return str(self.visitor.run("return document.body.innerText"))

    def sees(self, text: str) -> None:
        """Waits until this can be read."""
        self.visitor.until(f"document.body.innerText.includes({json.dumps(text)})")

    def tile(self, label: str) -> str:
        """The value of the tile with this label."""
        script = f"""[...document.querySelectorAll('.tile')]
            .find((tile) => tile.querySelector('.tile-label').firstChild.data === {json.dumps(label)})
            ?.querySelector('.tile-value').innerText"""
        return str(self.visitor.until(script))

    def hash(self) -> str:
        """The state in the address."""
        return str(self.visitor.run("return location.hash"))

    def asked(self, method: str = "") -> list[tuple[str, str]]:
        """The questions to the server since the page was opened."""
        found = self.visitor.run("return window.asked")
        return [(name, body) for name, body in found if not method or name == method]

    def sign_in(self, key: str) -> None:
        """Leaves a key where the page keeps it."""
        self.visitor.visit(f"{self.address}{NO_PAGE}")
        self.visitor.run(f"sessionStorage.setItem('shopalytic.key', {json.dumps(key)})")

    def resize(self, width: int, height: int) -> None:
        """Makes the window as large as this."""
        self._cdp(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    def prefer(self, scheme: str) -> None:
        """Makes the system dark or light."""
        self._cdp("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def save(self, title: str, folder: Path) -> Path:
        """Saves the table with this title into an empty folder; the file."""
        self._save_to(folder)
        self.visitor.until(f"""(() => {{
            const card = [...document.querySelectorAll('section.card')]
                .find((each) => each.querySelector('h2')?.textContent === {json.dumps(title)});
            const button = card?.querySelector('.card-head > button:last-child');
            button?.click();
            return Boolean(button);
        }})()""")
        return _saved(folder)

    def save_by(self, button: str, folder: Path) -> Path:
        """Presses the button with this text, which saves into an empty folder; the file."""
        self._save_to(folder)
        self.press(button)
        return _saved(folder)

    def accessibility(self) -> list[str]:
        """What axe finds wrong with the page as it is."""
        if not AXE.is_file():
            give_up("axe is not installed (npm ci in clients/dashboard)")
        # Through the debugger: the page's own policy lets no such script in.
        self._cdp("Runtime.evaluate", expression=AXE.read_text())
        found = self._cdp("Runtime.evaluate", expression=_RUN_AXE, awaitPromise=True, returnByValue=True)
        return list(found["result"]["value"])

    def console(self) -> list[str]:
        """Everything that the browser complained about since the last look."""
        return [entry["message"] for entry in self.visitor.driver.get_log("browser")]

    def _save_to(self, folder: Path) -> None:
        self._cdp("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(folder))

    def _cdp(self, command: str, **arguments: Any) -> dict[str, Any]:
        return dict(self.visitor.driver.execute_cdp_cmd(command, arguments))


_RUN_AXE = """
    axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) => violations.flatMap(
        ({ id, help, nodes }) => nodes.map((node) => `${id}: ${help}: ${node.html.slice(0, 200)}`)))
"""


def _saved(folder: Path) -> Path:
    # Chromium makes an empty file of the final name first, and then moves the whole one to its place.
    return wait_for(
        lambda: next((file for file in folder.glob("*.csv") if file.stat().st_size), None),
        f"no file came into {folder}",
    )


def needs_build() -> None:
    """Tests of the dashboard need it built."""
    if not BUILT.is_file():
        give_up("the dashboard is not built (make node)")


def call(service: Service, rpc: str, request: dict[str, Any], key: str = "reports") -> dict[str, Any]:
    """An RPC by JSON over HTTP, as anybody would."""
    headers = {"content-type": "application/json", "authorization": f"Bearer {service.ready['keys'][key]}"}
    url = f"{service.ready['http_address']}/shopalytic.v1.{rpc}"
    asked = urllib.request.Request(url, json.dumps(request).encode(), headers)
    with urllib.request.urlopen(asked, timeout=60) as answer:
        return dict(json.load(answer))


def send(service: Service, events: Iterable[dict[str, Any]]) -> list[str]:
    """Sends events with the server key; the verdicts."""
    answer = call(service, "CollectorService/Track", {"events": list(events)}, "server")
    return [str(result["status"]).removeprefix("EVENT_STATUS_") for result in answer["results"]]


def event(kind: str, properties: dict[str, Any], *, ago: timedelta, **envelope: Any) -> dict[str, Any]:
    """An event that happened so long ago."""
    at = datetime.now(UTC) - ago
    return {"event_id": str(uuid.uuid4()), "occurred_at": at.isoformat(), kind: properties, **envelope}
