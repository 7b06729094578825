"""People at the dashboard: they choose a password, sign in and out, and see what their role may see."""

import re

import pytest

from browser.dashboard.operator import PAGES, PHONE, SHOP_PAGES, WIDE, Dashboard
from browser.visitor import Visitor
from running.running_service import Service

PASSWORD = "correct horse battery"
# Who stands in the shop's data, as names and addresses.
PERSONAL = re.compile(r"[\w.+-]+@[\w-]+\.\w+")
ROLES = {
    "owner": {*PAGES},
    "analyst": {"overview", *SHOP_PAGES, "definitions"},
    "viewer": {"overview", *SHOP_PAGES, "definitions"},
    "support": {"customers", "definitions"},
}


@pytest.fixture
def people(dashboard: Dashboard, visitor: Visitor) -> Dashboard:
    """The page for somebody whom nobody knows yet."""
    visitor.forget_everything()
    dashboard.forget()
    return dashboard


def sign_in(dashboard: Dashboard, service: Service, role: str) -> str:
    """Adds somebody, and signs them in with the form."""
    email = f"{role}@people.example"
    added = service.command("user", "add", email, "--role", role, "--password-stdin", stdin=PASSWORD.encode())
    assert added.returncode == 0 or "already" in added.stderr, added.stderr
    dashboard.open()
    dashboard.find("input[name=email]").send_keys(email)
    dashboard.find("input[name=key]").send_keys(PASSWORD)
    dashboard.press("Sign in")
    dashboard.sees(f"{email}, {role}")
    dashboard.settled()
    return email


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_sign_in_page_is_accessible_and_fits(
    people: Dashboard, visitor: Visitor, size: tuple[int, int], scheme: str
) -> None:
    people.resize(*size)
    people.prefer(scheme)
    people.open()
    people.sees("E-mail address")
    assert people.accessibility() == []
    assert visitor.run("return document.documentElement.scrollWidth <= innerWidth")
    visitor.visit("about:blank")
    visitor.visit(f"{people.address}/#choose-password=abc")
    people.sees("Choose a password")
    assert people.accessibility() == []
    assert visitor.run("return document.documentElement.scrollWidth <= innerWidth")


def test_a_link_lets_somebody_choose_a_password_once(
    people: Dashboard, full_service: Service, visitor: Visitor
) -> None:
    link = full_service.json("user", "add", "jane@people.example", "--role", "viewer")["link"]["address"]
    visitor.visit(link)
    people.sees("Choose a password")
    assert "choose-password" not in visitor.run("return location.href")
    people.find("input[name=password]").send_keys(PASSWORD)
    people.find("input[name=again]").send_keys("something else")
    people.press("Choose it and sign in")
    people.sees("The two passwords differ")
    people.find("input[name=again]").clear()
    people.find("input[name=again]").send_keys(PASSWORD)
    people.press("Choose it and sign in")
    people.sees("jane@people.example, viewer")
    people.sees("Net sales")
    # Nothing of it is where a script could read it.
    kept = visitor.run("return JSON.stringify([{...sessionStorage}, {...localStorage}, document.cookie])")
    assert "session" not in kept
    visitor.driver.refresh()
    people.sees("Net sales")
    people.press("Sign out")
    people.sees("E-mail address")
    visitor.driver.refresh()
    people.sees("E-mail address")

    visitor.visit("about:blank")
    visitor.visit(link)
    people.find("input[name=password]").send_keys(PASSWORD)
    people.find("input[name=again]").send_keys(PASSWORD)
    people.press("Choose it and sign in")
    people.sees("This link has been used or has ended")
    assert any("403" in line["message"] for line in visitor.driver.get_log("browser"))


def test_a_wrong_password_is_told_in_a_sentence(people: Dashboard, visitor: Visitor) -> None:
    people.open()
    people.find("input[name=email]").send_keys("nobody@people.example")
    people.find("input[name=key]").send_keys(PASSWORD)
    people.press("Sign in")
    people.sees("E-mail address or password is wrong.")
    assert any("401" in line["message"] for line in visitor.driver.get_log("browser"))


@pytest.mark.parametrize("role", list(ROLES))
def test_each_role_has_its_pages_and_they_work(people: Dashboard, full_service: Service, role: str) -> None:
    email = sign_in(people, full_service, role)
    names = people.visitor.run(
        "return [...document.querySelectorAll('.nav-group a')].map(({hash}) => hash.slice(2).split('?')[0])"
    )
    assert set(names) == ROLES[role]
    for page in sorted(ROLES[role] - {"live"}):
        people.go(page)
        text = people.text()
        assert "may not" not in text, page
        if role in ("analyst", "viewer"):
            assert PERSONAL.search(text.replace(email, "")) is None, page
    for page in sorted({*PAGES} - ROLES[role] - {"overview"}):
        people.open(page)
        people.sees("There is no page")


def test_support_finds_a_customer_and_arrives_where_customers_are(
    people: Dashboard, full_service: Service
) -> None:
    sign_in(people, full_service, "support")
    assert people.hash().startswith("#/customers")
    people.visitor.until("document.querySelector('main table tbody a')")
    people.visitor.driver.find_element("css selector", "main table tbody a").click()
    people.visitor.until("location.hash.startsWith('#/customers/')")
    people.settled()
    assert "may not" not in people.text()
    assert people.accessibility() == []


def test_a_session_that_is_ended_leads_to_the_sign_in(
    people: Dashboard, full_service: Service, visitor: Visitor
) -> None:
    email = sign_in(people, full_service, "analyst")
    assert full_service.command("user", "sign-out", email).returncode == 0
    visitor.until(
        """(() => {
            [...document.querySelectorAll('button')].find((each) => each.innerText === 'Refresh')?.click();
            return document.body.innerText.includes('Your session has ended. Sign in again.');
        })()"""
    )
    assert any("401" in line["message"] for line in visitor.driver.get_log("browser"))
