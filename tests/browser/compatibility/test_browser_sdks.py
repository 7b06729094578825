"""analytics-next and posthog-js in Chromium through faults and a killed service: every event once."""

import json
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from browser.tag.scripted_shop import REPOSITORY, ScriptedShop
from browser.visitor import Visitor, give_up
from integration.compatibility.faulty_front import CUT, UNANSWERED, WAIT, FaultyFront
from integration.compatibility.npm_packages import installed
from running.running_service import Service, folder

ESBUILD = REPOSITORY / "clients" / "javascript" / "node_modules" / ".bin" / "esbuild"
FAULTS = {"segment": (CUT, WAIT, UNANSWERED), "posthog": (UNANSWERED,)}
PATIENCE_SECONDS = 60


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Both SDKs in one script, as a shop's own build makes it."""
    if not ESBUILD.exists():
        give_up("esbuild is not installed (make node)")
    made = tmp_path_factory.mktemp("sdks") / "page.js"
    options = ["--bundle", "--format=iife", "--log-level=error", f"--outfile={made}"]
    command = [str(ESBUILD), "page.mjs", *options]
    subprocess.run(command, cwd=installed(), check=True)
    return made.read_text().replace("</script", "<\\/script")


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with folder() as place, Service(place) as running:
        yield running


def viewed(service: Service, name: str) -> Counter[str]:
    """How often each product was viewed by the customer that an SDK named."""
    done = service.command("customer", "events", name, "--json")
    events = json.loads(done.stdout)["events"] if done.returncode == 0 else []
    return Counter(each["properties"]["sku"] for each in events if each["type"] == "product_view")


def until_viewed(service: Service, number: int) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    for name in FAULTS:
        while f"{name}-{number}" not in (found := viewed(service, name)):
            assert time.monotonic() < deadline, f"{name} brought only {found}"
            time.sleep(0.1)


def test_the_browsers_sdks_bring_every_event_once(
    visitor: Visitor, shop: ScriptedShop, service: Service, script: str
):
    key = service.ready["keys"]["browser"]
    port = int(service.ready["http_address"].rpartition(":")[2])
    with ExitStack() as stack:
        fronts = {name: stack.enter_context(FaultyFront(port, faults)) for name, faults in FAULTS.items()}
        urls = json.dumps({name: front.url for name, front in fronts.items()})
        shop.pages["/"] = (
            f"<!doctype html><title>Shop</title><script>const URLS = {urls}, KEY = '{key}';</script>"
            f"<script>{script}</script>"
        )
        visitor.visit(shop.url("/"))
        visitor.run("useSegment(); usePosthog(); analytics.identify('segment'); posthog.identify('posthog')")
        view(visitor, 1)
        until_viewed(service, 1)
        service.stop(signal.SIGKILL)
        view(visitor, 2)
        service.start("--http-port", str(port))
        until_viewed(service, 2)
        visitor.driver.get_log("browser")  # the connections that were refused
        for name, front in fronts.items():
            assert viewed(service, name) == Counter({f"{name}-1": 1, f"{name}-2": 1})
            assert front.played[: len(FAULTS[name])] == list(FAULTS[name])
            assert front.acknowledged


def view(visitor: Visitor, number: int) -> None:
    product = "{sku: '%s-%d', name: 'Mug', price: 9.99}"
    visitor.run(f"analytics.track('Product Viewed', {product % ('segment', number)})")
    visitor.run(f"posthog.capture('Product Viewed', {product % ('posthog', number)})")
