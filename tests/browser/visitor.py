"""A person with a Chromium: opens pages and tabs, hides them, goes offline, and asks pages what they hold."""

import json
import os
import shutil
import time
from collections.abc import Callable
from typing import Any, Self, TypeVar

import pytest

from browser.tag.scripted_shop import DIST, PATIENCE_SECONDS

try:
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service
except ImportError:
    webdriver = None

Found = TypeVar("Found")
# The first five: as root, and without looking anything up outside this machine.
FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP *.test 127.0.0.1, MAP *.github.io 127.0.0.1",
]
LONGEST_PAUSE_SECONDS = 0.15
COOKIES_BLOCKED = {"profile.default_content_setting_values.cookies": 2}


def give_up(what: str) -> None:
    """A machine for CI must have all that the tests need; a person's may not."""
    if os.environ.get("CI"):
        pytest.fail(f"CI must run the browser tests, but {what}", pytrace=False)
    pytest.skip(f"the browser tests are left out: {what}")


def wait_for(look: Callable[[], Found], complaint: str) -> Found:
    """Looks until there is something; the complaint tells what never came.

    The pauses grow: on a loaded machine, looking takes from what is waited for.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    pause = 0.01
    while not (found := look()):
        assert time.monotonic() < deadline, complaint
        time.sleep(pause)
        pause = min(1.5 * pause, LONGEST_PAUSE_SECONDS)
    return found


class Visitor:
    """One browser with its own cookies and storage."""

    def __init__(self, preferences: dict[str, Any] | None = None) -> None:
        chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
        if webdriver is None:
            give_up("selenium is not installed (make setup)")
        if chromium is None or driver is None:
            give_up("chromium or chromedriver is missing (Debian: apt-get install chromium chromium-driver)")
        if not (DIST / "shopalytic.js").is_file():
            give_up("the tag is not built (npm --prefix clients/javascript run build)")
        options = webdriver.ChromeOptions()
        options.binary_location = chromium
        for flag in FLAGS:
            options.add_argument(flag)
        # Without waiting for async scripts, such as the one under test.
        options.page_load_strategy = "eager"
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        if preferences:
            options.add_experimental_option("prefs", preferences)
        self.driver = webdriver.Chrome(options=options, service=Service(driver))
        self.driver.set_script_timeout(PATIENCE_SECONDS)
        self._injected: list[tuple[str, str]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.driver.quit()

    def forget_everything(self) -> None:
        """Starts anew: one blank tab, online, no cookies. Storage is per origin, and each shop is its own."""
        first, *others = self.driver.window_handles
        for tab in others:
            self.driver.switch_to.window(tab)
            self.driver.close()
        self.driver.switch_to.window(first)
        self.go_online()
        for tab, script in self._injected:
            if tab == first:
                self._cdp("Page.removeScriptToEvaluateOnNewDocument", identifier=script)
        self._injected.clear()
        self.driver.get("about:blank")
        self._cdp("Network.clearBrowserCookies")
        self.driver.get_log("browser")

    def visit(self, url: str) -> None:
        """Opens a page in this tab and waits until its own scripts have run."""
        self.driver.get(url)

    def go_back(self) -> None:
        """As the browser's button does."""
        self.driver.back()

    def run(self, script: str) -> Any:
        """Runs a function's body in the page; a promise is waited for."""
        return self.driver.execute_script(script)

    def until(self, condition: str) -> Any:
        """Waits until an expression in the page is true."""
        return wait_for(lambda: self.run(f"return {condition}"), f"never became true: {condition}")

    def until_title(self, beginning: str) -> str:
        """Waits for a title of this page, without running anything in it."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            pages = self._cdp("Target.getTargets")["targetInfos"]
            (title,) = [page["title"] for page in pages if page["targetId"] == self.tab]
            if title.startswith(beginning):
                return str(title)
            assert time.monotonic() < deadline, f"the title never began with {beginning!r}: {title!r}"
            time.sleep(0.02)

    @property
    def tab(self) -> str:
        """The tab that is looked at."""
        return str(self.driver.current_window_handle)

    def new_tab(self) -> str:
        """Opens a tab and looks at it, which hides the one before."""
        self.driver.switch_to.new_window("tab")
        return self.tab

    def look_at(self, tab: str) -> None:
        """Brings a tab to the front."""
        self.driver.switch_to.window(tab)
        self._cdp("Page.bringToFront")

    def open_in_background(self, url: str) -> None:
        """Opens a tab without looking at it, as a click with the middle button does."""
        self._cdp("Target.createTarget", url=url, background=True)

    def close_tab(self) -> None:
        """Closes this tab and looks at the first one."""
        self.driver.close()
        self.driver.switch_to.window(self.driver.window_handles[0])

    def go_offline(self) -> None:
        """Cuts this tab's network."""
        self._network(offline=True)

    def go_online(self) -> None:
        """Gives this tab its network back."""
        self._network(offline=False)

    def before_pages(self, script: str) -> None:
        """Runs this in every page of this tab before the page's own scripts."""
        done = self._cdp("Page.addScriptToEvaluateOnNewDocument", source=script)
        self._injected.append((self.tab, done["identifier"]))

    def cookies(self, url: str) -> dict[str, dict[str, Any]]:
        """The cookies that a request to this address would carry, by name."""
        found = self._cdp("Network.getCookies", urls=[url])["cookies"]
        return {cookie["name"]: cookie for cookie in found}

    def complaints(self) -> list[str]:
        """What went wrong in pages since the last look: uncaught errors and refusals by policy."""
        sources = ("javascript", "security")
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["source"] in sources]

    def until_answered(self) -> None:
        """Waits until this page has read the answers to all that it sent."""
        self.until("navigator.locks.query().then(({held, pending}) => held.length + pending.length === 0)")

    def until_kept(self, count: int) -> None:
        """Waits until the page's storage holds so many events."""
        self.until(f"Object.keys(localStorage).filter((key) => /[.]0[^.]+$/.test(key)).length === {count}")

    def kept(self) -> list[dict[str, Any]]:
        """The events that the tag keeps in the page's storage, in order."""
        script = """
            return Object.keys(localStorage).filter((key) => /[.]0[^.]+$/.test(key)).sort()
                .map((key) => localStorage[key])"""
        return [json.loads(item)["e"] for item in self.run(script)]

    def _network(self, *, offline: bool) -> None:
        self._cdp("Network.enable")
        unlimited = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
        self._cdp("Network.emulateNetworkConditions", offline=offline, **unlimited)

    def _cdp(self, command: str, **arguments: Any) -> dict[str, Any]:
        return dict(self.driver.execute_cdp_cmd(command, arguments))
