"""Real invoices through the real commands: every figure equals one worked out from the file alone."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from running.running_service import Service, folder
from shops import retail

pytestmark = pytest.mark.slow

MONTHS = ["2010-12", *(f"2011-{month:02}" for month in range(1, 13))]
FIGURES = ("gross", "refunds", "net", "average_order")


@dataclass
class Shop:
    """A service that holds all invoices."""

    service: Service
    invoices: retail.Retail
    file: Path
    imported: dict[str, Any]


@pytest.fixture(scope="module")
def shop(real_data: Path) -> Iterator[Shop]:
    with folder() as path, Service(path) as service:
        invoices = retail.read(real_data)
        file = path / "invoices.jsonl"
        retail.write(file, retail.events(invoices.invoices))
        yield Shop(service, invoices, file, service.json("import", file))


def counts(imported: dict[str, Any]) -> dict[str, int]:
    return {name: value for name, value in imported.items() if name != "seconds" and value}


def sales(service: Service) -> list[dict[str, Any]]:
    """The report's rows, and its total, in the form of retail.sales."""
    report = service.json(
        *("report", "sales", "--from", "2010-12-01", "--to", "2012-01-01"),
        *("--interval", "month", "--currency", retail.CURRENCY),
    )
    assert report["currency"] == retail.CURRENCY
    rows = [(row["start"], row) for row in report["rows"]] + [("total", report["total"])]
    return [_figures(start, row) for start, row in rows]


def _figures(start: str, row: dict[str, Any]) -> dict[str, Any]:
    exact = {name: Decimal(row[name]) for name in FIGURES}
    return {
        "month": start.removesuffix("-01T00:00:00Z"),
        **{name: row[name] for name in ("orders", "units", "customers")},
        **exact,
    }


def products(service: Service) -> dict[str, dict[str, Any]]:
    """The year's report, in the form of retail.products."""
    report = service.json(
        *("report", "products", "--from", "2010-12-01", "--to", "2012-01-01"),
        *("--currency", retail.CURRENCY, "--limit", "10000"),
    )
    return {
        row["sku"]: {
            "orders": row["orders"],
            "units": row["units"],
            "gross": Decimal(row["gross"]),
            "refunds": Decimal(row["refunds"]),
        }
        for row in report["rows"]
    }


def cohorts(service: Service) -> dict[tuple[str, int], tuple[int, Decimal]]:
    """The year's retention, in the form of retail.cohorts."""
    report = service.json("report", "retention", "--from", "2010-12-01", "--to", "2012-01-01")
    return {
        (cohort["start"][:7], period["index"]): (
            period["customers"],
            Decimal(period["net"].get(retail.CURRENCY, 0)),
        )
        for cohort in report["cohorts"]
        for period in cohort["periods"]
        if period["customers"] or period["net"]
    }


def customers(service: Service, names: list[str]) -> list[dict[str, Any]]:
    return [service.json("customer", "show", name) for name in names]


def some_names(invoices: retail.Retail) -> list[str]:
    """The best customers, a visitor without a name, and one who only gave things back."""
    totals: dict[str, Decimal] = {}
    for order in invoices.orders:
        totals[order.who] = totals.get(order.who, Decimal(0)) + order.total
    best = sorted((name for name in totals if name.isdigit()), key=totals.__getitem__)[-3:]
    visitor = next(order.who for order in invoices.orders if not order.customer)
    only_back = next(refund.who for refund in invoices.refunds if refund.who not in totals)
    return [*best, visitor, only_back]


def test_the_mapping_gives_the_documented_numbers(shop: Shop):
    orders, refunds = shop.invoices.orders, shop.invoices.refunds
    assert (len(orders), len(refunds)) == (19_959, 3_836)
    assert sum(order.total for order in orders) == Decimal("10655622.484")
    assert sum(refund.total for refund in refunds) == Decimal("896812.49")
    assert len({order.customer for order in orders if order.customer}) == 4_338
    assert shop.invoices.left_out == 2_518


def test_every_event_is_accepted(shop: Shop):
    total = len(shop.invoices.invoices)
    assert counts(shop.imported) == {"read": total, "accepted": total}


def test_a_second_run_finds_only_duplicates(shop: Shop):
    before = sales(shop.service)
    total = len(shop.invoices.invoices)
    assert counts(shop.service.json("import", shop.file)) == {"read": total, "duplicate": total}
    assert sales(shop.service) == before


def test_monthly_sales_equal_the_file_to_the_last_digit(shop: Shop):
    expected = retail.sales(shop.invoices, MONTHS)
    assert sales(shop.service) == expected
    assert (expected[-1]["gross"], expected[-1]["refunds"]) == (Decimal("10655622.484"), Decimal("896812.49"))


def test_a_years_products_and_cohorts_equal_the_file_to_the_last_digit(shop: Shop):
    assert products(shop.service) == retail.products(shop.invoices)
    assert cohorts(shop.service) == retail.cohorts(shop.invoices)


def test_customers_who_ordered_are_those_of_the_file(shop: Shop):
    with psycopg.connect(shop.service.ready["database_url"]) as connection:
        rows = connection.execute(
            "SELECT DISTINCT i.identity FROM orders o JOIN identities i"
            " ON (i.dataset_id, i.subject) = (o.dataset_id, o.subject)"
        ).fetchall()
    named = {order.customer for order in shop.invoices.orders if order.customer}
    assert {identity for (identity,) in rows} == named
    assert len(named) == 4_338


def test_single_customers_equal_the_file(shop: Shop):
    names = some_names(shop.invoices)
    for name, shown in zip(names, customers(shop.service, names), strict=True):
        orders = [order for order in shop.invoices.orders if order.who == name]
        refunds = [refund for refund in shop.invoices.refunds if refund.who == name]
        gross = sum((order.total for order in orders), Decimal(0))
        back = sum((refund.total for refund in refunds), Decimal(0))
        times = sorted(invoice.time.replace(" ", "T") + "Z" for invoice in (*orders, *refunds))
        assert shown["orders"].get("GBP", 0) == len(orders)
        assert Decimal(shown["gross"].get("GBP", 0)) == gross
        assert Decimal(shown["refunds"].get("GBP", 0)) == back
        assert Decimal(shown["net"].get("GBP", 0)) == gross - back
        assert (shown["first_seen"], shown["last_seen"]) == (times[0], times[-1])
        assert name in shown["identities"] + shown["tracking_ids"]


def test_shuffled_and_with_lines_repeated_the_file_gives_the_same_reports(shop: Shop):
    chance = random.Random(2011)
    lines = list(retail.events(shop.invoices.invoices))
    repeated = chance.sample(lines, len(lines) // 5)
    mixed = lines + repeated
    chance.shuffle(mixed)
    names = some_names(shop.invoices)
    with folder() as path, Service(path) as other:
        file = path / "shuffled.jsonl"
        retail.write(file, mixed)
        imported = counts(other.json("import", file))
        assert imported == {"read": len(mixed), "accepted": len(lines), "duplicate": len(repeated)}
        assert sales(other) == sales(shop.service)
        assert products(other) == products(shop.service)
        assert cohorts(other) == cohorts(shop.service)
        assert customers(other, names) == customers(shop.service, names)


def test_a_rebuild_finds_no_difference_and_changes_no_figure(shop: Shop):
    def told() -> tuple[Any, ...]:
        named = customers(shop.service, some_names(shop.invoices))
        return sales(shop.service), products(shop.service), cohorts(shop.service), named

    before = told()
    rebuilt = shop.service.json("rebuild")
    assert (rebuilt["events"], rebuilt["equal"]) == (len(shop.invoices.invoices), True)
    assert told() == before
