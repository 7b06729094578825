"""The schema `analytics`: its views tell what the reports tell, and a role sees what it was granted."""

import re
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg import errors
from psycopg.conninfo import make_conninfo

from running.running_service import Service, folder
from shopalytic.v1 import reports_pb2
from shopalytic_server.domain.errors import AlreadyExists, InvalidRequest, NotFound
from shopalytic_server.storage.analytics import grant, listed, revoke
from shopalytic_server.storage.analytics.views import SCHEMA, VIEWS, ensure_views
from shops import busy_month
from shops.commerce_month import Month, store
from shops.report_shop import PROJECT, Shop, event, identify, open_shop, page

PROJECT_NAME = "shop"
TRACES = ("zorbatrace", "Quillotrace", "203.0.113")


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Shop]:
    async with open_shop(database_url) as opened:
        yield opened


def creator(database_url: str) -> str:
    """The database by a role that may create others."""
    with psycopg.connect(database_url) as connection:
        may = one(connection, "SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user")
    return database_url if may == (True,) else make_conninfo(database_url, user="postgres", dbname="postgres")


def granted(database_url: str, name: str, project: str = PROJECT_NAME, *, personal_data: bool = False) -> Any:
    return grant(database_url, name, project, personal_data=personal_data, creator_url=creator(database_url))


@contextmanager
def analyst(database_url: str, *, personal_data: bool = False, project: str = PROJECT_NAME) -> Iterator[Any]:
    """A connection of a role that was granted for it."""
    name = f"analyst_{uuid4().hex[:12]}"
    made = granted(database_url, name, project, personal_data=personal_data)
    try:
        address = make_conninfo(database_url, user=name, password=made.password)
        with psycopg.connect(address, autocommit=True) as connection:
            yield connection
    finally:
        revoke(database_url, name, creator_url=creator(database_url))


def one(connection: Any, query: str) -> Any:
    [row] = connection.execute(query).fetchall()
    return row


async def test_the_views_give_the_totals_of_the_reports(shop: Shop, database_url: str) -> None:
    await store(shop, Month(7).events)
    sales = await shop.reports.get_sales_report(shop.project, reports_pb2.GetSalesReportRequest())
    products = await shop.reports.get_product_report(
        shop.project, reports_pb2.GetProductReportRequest(limit=1000)
    )
    with analyst(database_url) as connection:
        for report in sales.reports:
            total, currency = report.total, report.currency
            found = one(
                connection,
                "SELECT count(*), coalesce(sum(total), 0), coalesce(sum(subtotal), 0),"
                f" count(DISTINCT customer_id), sum(units) FROM orders WHERE currency = '{currency}'",
            )
            money = (Decimal(total.gross), Decimal(total.gross_sales))
            assert found == (total.orders, *money, total.customers, total.units)
            [refunds] = one(
                connection,
                f"SELECT coalesce(sum(amount), 0) FROM refunds WHERE currency = '{currency}'",
            )
            assert refunds == Decimal(total.refunds)
        for row, currency in ((row, report.currency) for report in products.reports for row in report.rows):
            where = f"sku = '{row.sku}' AND currency = '{currency}'"
            [quantity] = one(connection, f"SELECT coalesce(sum(quantity), 0) FROM order_lines WHERE {where}")
            assert quantity == Decimal(row.quantity)
            assert one(connection, f"SELECT count(*) FROM product_views WHERE {where}") == (row.views,)


async def test_the_views_give_the_visits_of_the_traffic_report(shop: Shop, database_url: str) -> None:
    await busy_month.store(shop, busy_month.busy_month(7))
    traffic = await shop.reports.get_traffic_report(shop.project, reports_pb2.GetTrafficReportRequest())
    whole = traffic.total
    with analyst(database_url) as connection:
        visits = "SELECT sum(page_views), count(*), count(DISTINCT customer_id) FROM sessions"
        assert one(connection, visits) == (whole.page_views, whole.sessions, whole.visitors)
        views = "SELECT count(*), count(DISTINCT customer_id) FROM page_views"
        assert one(connection, views) == (whole.page_views, whole.visitors)
        found = connection.execute(
            "SELECT landing_page, count(*), count(DISTINCT customer_id) FROM sessions GROUP BY landing_page"
        ).fetchall()
        pages = [(row.value, row.sessions, row.visitors) for row in traffic.landing_pages]
        assert pages
        assert set(pages) <= set(found)


async def test_a_role_without_personal_data_sees_none_in_any_view(shop: Shop, database_url: str) -> None:
    register = {"email": "zorbatrace@mail.example", "first_name": "Quillotrace", "last_name": "Quillotrace"}
    address = {"zipcode": "zorbatrace", "city": "zorbatrace", "country": "DEU"}
    order = {
        "order_id": "1",
        "cart_id": "c",
        "total": "9",
        "subtotal": "9",
        "line_items": [{"sku": "A", "price": "9", "qty": 1}],
        "billing": address,
    }
    visit = {"url": "https://shop.example/?mail=zorbatrace", "referrer": "https://mail.example/?q=zorbatrace"}
    cart = {"cart_id": "c", "sku": "A", "price": "9", "qty": 1}
    parcel = {"order_id": "1", "shipment_id": "p", "carrier": "dhl", "tracking_number": "zorbatrace"}
    who = {"tracking_id": "zorbatrace-device", "context": {"address": "203.0.113.9"}}
    await shop.send(
        event("customer_register", register, identity="zorbatrace"),
        identify("zorbatrace-device", "zorbatrace", at=1),
        event("page_view", visit, **who),
        event("product_view", {"sku": "A", "name": "Mug", "price": "9"}, **who),
        event("cart_add", cart, **who),
        event("order", order, identity="zorbatrace", at=5),
        event("refund", {"order_id": "1", "refund_type": "full"}, identity="zorbatrace", at=9),
        event("shipment", parcel, identity="zorbatrace", at=9),
    )
    for personal_data in (False, True):
        with analyst(database_url, personal_data=personal_data) as connection:
            text = ""
            for view in VIEWS:
                rows = connection.execute(f"SELECT * FROM {view}").fetchall()
                assert rows or view == "searches", view
                text += repr(rows)
            assert [trace in text for trace in TRACES[:2]] == [personal_data] * 2
            assert personal_data or not any(trace in text for trace in TRACES)


async def test_a_role_reads_one_project_and_changes_nothing(shop: Shop, database_url: str) -> None:
    with psycopg.connect(database_url) as owner:
        owner.execute(
            "INSERT INTO projects (project_id, name, currency, time_zone, browser_event_types, created_at)"
            " VALUES (2, 'other', 'USD', 'UTC', '{}', now())"
        )
    await shop.send(page("phone"), page("trial", sandbox=True))
    elsewhere = replace(shop, project=replace(PROJECT, project_id=2, name="other"))
    await elsewhere.send(page("tablet"), page("tablet", at=5))
    peek = (
        "CREATE FUNCTION pg_temp.peek(name text) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS"
        " $$ BEGIN RAISE NOTICE '%', name; RETURN true; END $$"
    )
    with analyst(database_url) as here, analyst(database_url, project="other") as there:
        assert one(here, "SELECT count(*), max(project) FROM page_views") == (1, "shop")
        assert one(there, "SELECT count(*), max(project) FROM page_views") == (2, "other")
        seen: list[str] = []
        here.add_notice_handler(lambda notice: seen.append(notice.message_primary))
        here.execute("SET default_transaction_read_only = off")
        here.execute(peek)
        here.execute("SELECT FROM events WHERE pg_temp.peek(project)")
        assert set(seen) == {"shop"}
        for statement in (
            "SELECT FROM public.events",
            "SELECT FROM public.analytics_scope",
            "SELECT FROM public.sql_roles",
            "SELECT FROM public.keys",
            "DELETE FROM orders",
            "UPDATE devices SET linked_at = now()",
            "CREATE TABLE mine (x int)",
        ):
            with pytest.raises((errors.InsufficientPrivilege, errors.ObjectNotInPrerequisiteState)):
                here.execute(statement)


async def test_the_operator_sees_every_project(shop: Shop, database_url: str) -> None:
    await shop.send(page("phone"))
    with analyst(database_url), psycopg.connect(database_url) as owner:
        assert one(owner, f"SELECT count(*) FROM {SCHEMA}.page_views") == (1,)


async def test_a_time_stands_in_utc_and_in_the_projects_zone(shop: Shop, database_url: str) -> None:
    with psycopg.connect(database_url) as owner:
        owner.execute("UPDATE projects SET time_zone = 'Asia/Tokyo'")
    await shop.send(page("phone"))
    with analyst(database_url) as connection:
        utc, local = one(connection, "SELECT viewed_at AT TIME ZONE 'UTC', viewed_local FROM page_views")
        assert local - utc == timedelta(hours=9)


def test_roles_are_listed_changed_and_ended(database_url: str) -> None:
    with psycopg.connect(database_url) as owner:
        owner.execute(
            "INSERT INTO projects (project_id, name, currency, time_zone, browser_event_types, created_at)"
            " VALUES (1, 'shop', 'EUR', 'UTC', '{}', now())"
        )
    name = f"role_{uuid4().hex[:12]}"
    assert granted(database_url, name).password
    assert granted(database_url, name, personal_data=True).password is None
    assert [(role.role, role.project, role.personal_data) for role in listed(database_url)] == [
        (name, "shop", True)
    ]
    revoke(database_url, name, creator_url=creator(database_url))
    assert listed(database_url) == []
    with pytest.raises(NotFound):
        revoke(database_url, name, creator_url=creator(database_url))
    with pytest.raises(NotFound):
        granted(database_url, name, "nothing")
    for wrong in ("", "Ana", "a-b", "a;b", "1a", "x" * 64):
        with pytest.raises(InvalidRequest):
            granted(database_url, wrong)
    # The service's own role, or any other that may do more, is never taken for an analyst's.
    with pytest.raises(AlreadyExists), psycopg.connect(database_url) as owner:
        granted(database_url, owner.info.user)


def test_the_command_prints_a_connection_string_for_the_port_that_was_asked_for() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with folder() as path, Service(path, "--sql-port", str(port)) as service:
        data = service.json("sql", "grant", "metabase")
        assert (data["role"], data["project"], data["personal_data"]) == ("metabase", "default", False)
        assert f"@127.0.0.1:{port}/" in data["url"]
        with psycopg.connect(data["url"]) as connection:
            assert one(connection, "SELECT count(*) FROM orders") == (0,)
        for user, password in (("metabase", "wrong"), ("shopalytic", ""), ("postgres", "")):
            with pytest.raises(psycopg.OperationalError):
                psycopg.connect(make_conninfo(data["url"], user=user, password=password))
        assert "metabase" in service.command("sql", "list").stdout
        assert service.command("sql", "revoke", "metabase").returncode == 0
        assert service.command("sql", "revoke", "metabase").returncode == 1
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(data["url"])


def test_the_documentation_names_every_column(database_url: str) -> None:
    with psycopg.connect(database_url) as owner:
        ensure_views(owner, create=True)
        found = owner.execute(
            "SELECT table_name, column_name FROM information_schema.columns"
            f" WHERE table_schema = '{SCHEMA}' ORDER BY table_name, ordinal_position"
        ).fetchall()
    text = (Path(__file__).parents[3] / "docs" / "reference" / "sql.md").read_text()
    rows = (line.split(" | ") for line in text.splitlines() if line.startswith("| `"))
    told = [(cells[0].strip("| `"), name) for cells in rows for name in re.findall(r"`(\w+)`", cells[-1])]
    assert sorted(told, key=lambda each: each[0]) == [tuple(row) for row in found]
