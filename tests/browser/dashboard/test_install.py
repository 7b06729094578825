"""The page Install: the text under each tab works as it stands; what becomes of events is seen at once."""

import json
import os
import re
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from browser.dashboard.operator import PHONE, Dashboard, needs_build
from browser.dashboard.test_pages import wide_parts
from browser.tag.scripted_shop import REPOSITORY, ScriptedShop
from browser.visitor import Visitor, give_up
from running.running_service import PATIENCE_SECONDS, Service, folder

DOORS = ["html", "csp", "npm", "gtm", "python", "node", "go", "curl"]


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    """A service for these tests alone."""
    needs_build()
    with folder() as place, Service(place) as running:
        yield running


@pytest.fixture
def page(visitor: Visitor, service: Service) -> Dashboard:
    """The page of it, signed in on the service's own machine."""
    page = Dashboard(visitor, service.ready["http_address"])
    page.forget()
    page.arrive(service.ready["keys"]["reports"])
    return page


def parts(page: Dashboard, door: str) -> dict[str, str]:
    """The texts under a tab, by where each goes."""
    page.open("install", **{"with": door})
    # Before that, what arrives is not shown.
    page.sees("Waiting for the next event")
    script = """return [...document.querySelectorAll('.snippet')].map(
        (each) => [each.querySelector('span').innerText, each.querySelector('pre').textContent])"""
    return dict(page.visitor.run(script))


def visit_beside(page: Dashboard, url: str) -> None:
    """Opens a page of the shop in a tab of its own, until its tag has sent, and comes back."""
    visitor, tab = page.visitor, page.visitor.tab
    visitor.new_tab()
    visitor.visit(url)
    visitor.until("performance.getEntriesByType('resource').some(({name}) => name.includes('/collect'))")
    visitor.until_answered()
    visitor.look_at(tab)


def collect(service: Service, *events: dict[str, Any]) -> None:
    """Sends events as the tag does."""
    body = json.dumps({"token": service.ready["keys"]["browser"], "events": events}).encode()
    asked = urllib.request.Request(
        f"{service.ready['http_address']}/collect", body, {"content-type": "text/plain"}
    )
    urllib.request.urlopen(asked, timeout=60).close()


def view(title: str, **more: Any) -> dict[str, Any]:
    properties = {"url": "https://shop.example/", "referrer": "", "title": title}
    return {"type": "page_view", "properties": properties, "tracking_id": "tag", **more}


def test_what_arrives_is_refused_or_a_robots_is_seen_at_once(page: Dashboard, service: Service) -> None:
    page.open("install")
    page.sees("Waiting for the next event")
    page.sees("No event was refused so far")
    collect(service, view("First"))
    page.sees("It works")
    page.sees("First")
    assert "robot" not in page.text()
    collect(service, view("Second", context={"automated": True}))
    page.sees("A visitor counts as a robot")
    collect(service, view("Third", properties={"url": "", "referrer": ""}))
    page.sees("Not accepted since you came here")
    page.sees("page_view.url")
    assert page.accessibility() == []


@pytest.mark.parametrize("door", DOORS)
def test_each_tab_can_be_read_on_a_phone_and_by_a_reader(page: Dashboard, door: str) -> None:
    page.resize(*PHONE)
    assert parts(page, door)
    assert wide_parts(page) == []
    assert page.accessibility() == []


@pytest.mark.parametrize("door", ["html", "csp", "gtm"])
def test_a_page_with_the_tags_text_sends(page: Dashboard, shop: ScriptedShop, door: str) -> None:
    texts = parts(page, door)
    if door == "csp":
        name, _, policy = texts["Policy"].partition(": ")
        shop.page_headers[name] = policy
    tag = texts["Custom HTML" if door == "gtm" else "Page"]
    shop.pages["/"] = f"<!doctype html><head><title>Door {door}</title>{tag}</head>"
    visit_beside(page, shop.url())
    page.sees(f"Door {door}")
    # A browser that a program drives says so.
    page.sees("A visitor counts as a robot")


def test_a_bundle_with_the_packages_text_sends(page: Dashboard, shop: ScriptedShop, tmp_path: Path) -> None:
    text = parts(page, "npm")["Where the application starts"]
    (tmp_path / "main.js").write_text(text)
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules" / "shopalytic").symlink_to(REPOSITORY / "clients" / "javascript")
    esbuild = REPOSITORY / "clients/dashboard/node_modules/.bin/esbuild"
    done = subprocess.run(
        [esbuild, "main.js", "--bundle", "--format=iife"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    shop.pages["/"] = f"<!doctype html><title>Door npm</title><script>{done.stdout}</script>"
    visit_beside(page, shop.url())
    page.sees("Door npm")
    page.sees("Blue mug")


def environment(service: Service) -> dict[str, str]:
    return {
        **os.environ,
        "SHOPALYTIC_KEY": service.ready["keys"]["server"],
        "SHOPALYTIC_TARGET": service.ready["grpc_address"],
        "GOFLAGS": "-mod=mod",
        "GOPROXY": "off",
    }


def run(command: list[str], service: Service, where: Path) -> str:
    done = subprocess.run(
        command,
        cwd=where,
        env=environment(service),
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS * 6,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_python_text_sends(page: Dashboard, service: Service, tmp_path: Path) -> None:
    texts = parts(page, "python")
    assert re.search(r"^export SHOPALYTIC_TARGET=127.0.0.1:\d+$", texts["Shell"], re.MULTILINE)
    (tmp_path / "shop.py").write_text(texts["Program"])
    assert "accepted=2" in run([sys.executable, "shop.py"], service, tmp_path)
    page.sees("It works")


def test_the_node_text_sends(page: Dashboard, service: Service, tmp_path: Path) -> None:
    if shutil.which("node") is None:
        give_up("there is no Node.js")
    (tmp_path / "shop.mjs").write_text(parts(page, "node")["Program"])
    (tmp_path / "node_modules" / "@shopalytic").mkdir(parents=True)
    (tmp_path / "node_modules" / "@shopalytic" / "node").symlink_to(REPOSITORY / "clients" / "node")
    assert "delivered: 1" in run(["node", "shop.mjs"], service, tmp_path)
    page.sees("It works")


def test_the_go_text_sends(page: Dashboard, service: Service, tmp_path: Path) -> None:
    if shutil.which("go") is None:
        pytest.skip("go is not installed")
    texts = parts(page, "go")
    imports = "\n".join(f'"{name}"' for name in ("context", "fmt", "log", "os", "shopalytic"))
    program = f"package main\nimport (\n{imports}\n)\nfunc main() {{\n{texts['Program']}\n}}\n"
    (tmp_path / "main.go").write_text(program)
    (tmp_path / "third_party").mkdir()
    (tmp_path / "third_party" / "shopalytic").symlink_to(REPOSITORY / "clients" / "go")
    run(["go", "mod", "init", "example.com/shop"], service, tmp_path)
    run(["bash", "-euc", texts["Shell"].partition("\n")[0]], service, tmp_path)
    assert "{1 " in run(["go", "run", "."], service, tmp_path)
    page.sees("It works")


def test_the_curl_text_sends(page: Dashboard, service: Service, tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    answer = json.loads(run(["bash", "-euc", parts(page, "curl")["Shell"]], service, tmp_path))
    assert [result["status"] for result in answer["results"]] == ["ACCEPTED"]
    page.sees("by-hand")
