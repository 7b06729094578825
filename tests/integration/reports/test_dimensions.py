"""Filters and breakdowns: each report by each dimension against a computation event by event."""

from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Iterable
from datetime import UTC, timedelta
from decimal import Decimal
from typing import Any

import pytest

from oracles.commerce import lines_of
from oracles.dimensions import World, in_range
from oracles.seen import Placed, micros, read
from shopalytic.filters import report_attribution, report_comparison, report_filters
from shopalytic.v1 import reports_pb2
from shopalytic_server.domain.errors import InvalidRequest
from shopalytic_server.domain.reports.dimensions import FITS, LINES, SEVERAL
from shops.dimension_shop import BEGIN, END, DimensionShop
from shops.report_shop import Shop, open_shop
from shops.report_shop import order as placed_order

SEED = 20260317
ATTRIBUTIONS = ("last-non-direct", "first", "last", "linear")


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Shop]:
    async with open_shop(database_url) as opened:
        yield opened


@pytest.fixture
async def made(shop: Shop) -> DimensionShop:
    made = DimensionShop(SEED)
    await shop.send(*made.events)
    return made


def world_of(made: DimensionShop, attribution: str = "last-non-direct") -> World:
    return World(read(made.events), made.truths, attribution.replace("-", "_"), micros(END))


def scope_of(
    *filters: str, by: Iterable[str] = (), attribution: str = "last-non-direct", **fields: Any
) -> reports_pb2.ReportScope:
    scope = reports_pb2.ReportScope(
        filters=report_filters(filters),
        breakdowns=by,
        attribution=report_attribution(attribution),
        **fields,
    )
    getattr(scope, "from").FromDatetime(BEGIN)
    scope.to.FromDatetime(END)
    return scope


async def sales(shop: Shop, *filters: str, **scope: Any) -> reports_pb2.SalesReport:
    request = reports_pb2.GetSalesReportRequest(scope=scope_of(*filters, currency="EUR", **scope))
    [report] = (await shop.reports.get_sales_report(shop.project, request)).reports
    return report


def sales_by(world: World, name: str) -> dict[str, tuple[Any, ...]]:
    """Orders, customers, gross and refunds by the value of a dimension of orders."""
    orders, customers = Counter[str](), defaultdict[str, set[Any]](set)
    gross, refunds = defaultdict[str, Decimal](Decimal), defaultdict[str, Decimal](Decimal)
    for order in world.orders:
        if in_range(order.at, BEGIN, END):
            for value, part, closing in _parts(world, order, name):
                gross[value] += part
                if closing:
                    customers[value].add(order.customer)
        if in_range(order.at, BEGIN, END):
            orders.update({value for value, _, closing in _parts(world, order, name) if closing})
    for each in world.refunds:
        if in_range(each.at, BEGIN, END):
            for value, part in _refunded(world, each, name):
                refunds[value] += part
    return {
        value: (orders[value], len(customers[value]), gross[value], refunds[value])
        for value in {*orders, *gross, *refunds}
    }


def _parts(world: World, order: Placed, name: str) -> list[tuple[str, Decimal, bool]]:
    if name not in LINES:
        return world.shares(order, name, order.amount)
    return [
        (value, price * qty, True)
        for sku, price, qty in lines_of(order.seen)
        for value in world.line_values(sku, order, name)
    ]


def _refunded(world: World, each: Placed, name: str) -> list[tuple[str, Decimal]]:
    order = world.by_id[each.seen.properties["order_id"]]
    if name in LINES:
        lines = lines_of(each.seen) or lines_of(order.seen)
        return [
            (value, price * qty) for sku, price, qty in lines for value in world.line_values(sku, order, name)
        ]
    if name == "sent_by":
        return [(each.seen.source, -each.amount)]
    return [(value, part) for value, part, _ in world.shares(order, name, -each.amount)]


def sales_figures(row: reports_pb2.SalesRow) -> tuple[Any, ...]:
    return row.orders, row.customers, Decimal(row.gross), Decimal(row.refunds)


@pytest.mark.parametrize("attribution", ATTRIBUTIONS)
async def test_sales_by_each_dimension_are_those_worked_out_order_by_order(shop, made, attribution):
    world = world_of(made, attribution)
    whole = await sales(shop)
    # What attribution says nothing about is looked at once.
    by_credit = {"channel", "landing_page", "utm_campaign"}
    looked_at = FITS["sales"] if attribution == "last-non-direct" else by_credit
    for name in sorted(looked_at):
        expected = sales_by(world, name)
        report = await sales(shop, by=[name], attribution=attribution)
        found = {row.dimensions[name]: sales_figures(row) for row in report.rows}
        assert found == {value: each for value, each in expected.items() if any(each)}, name
        if name not in LINES:
            assert report.total.gross == whole.total.gross, name
        if name not in SEVERAL | LINES:
            assert sum(row.orders for row in report.rows) == whole.total.orders, name
            assert sum(Decimal(row.gross) for row in report.rows) == Decimal(whole.total.gross), name


@pytest.mark.usefixtures("made")
async def test_a_row_of_a_breakdown_is_what_its_filter_gives(shop):
    for name in ("category", "channel", "city", "coupon", "customer_type", "device", "sku", "utm_campaign"):
        report = await sales(shop, by=[name])
        for row in report.rows[:2]:
            filtered = await sales(shop, f"{name}={row.dimensions[name]}")
            assert sales_figures(filtered.total) == sales_figures(row), (name, row.dimensions[name])
            request = reports_pb2.ListEventsRequest(explain=row.explain, page_size=1000)
            behind = await shop.reports.list_events(shop.project, request)
            kinds = Counter(event.type for event in behind.events)
            assert kinds["order"] == row.orders, (name, row.dimensions[name])


async def test_two_filters_and_two_breakdowns_hold_together(shop, made):
    world = world_of(made)
    report = await sales(
        shop, "device!=", "customer_type=guest", "customer_type=returning", by=["country", "sku"]
    )
    expected: dict[tuple[str, str], tuple[set[str], Decimal]] = {}
    for order in world.orders:
        kept = world.order_values(order, "device") != {""} and world.order_values(order, "customer_type") != {
            "new"
        }
        if in_range(order.at, BEGIN, END) and kept:
            for sku, price, qty in lines_of(order.seen):
                [country] = world.order_values(order, "country")
                ids, gross = expected.setdefault((country, sku), (set(), Decimal(0)))
                ids.add(order.seen.properties["order_id"])
                expected[country, sku] = ids, gross + price * qty
    found = {
        (row.dimensions["country"], row.dimensions["sku"]): (row.orders, Decimal(row.gross))
        for row in report.rows
        if row.orders
    }
    assert found == {key: (len(ids), gross) for key, (ids, gross) in expected.items()}


async def test_each_comparison_of_a_filter_leaves_what_it_says(shop, made):
    world = world_of(made)
    cases: list[tuple[list[str], Callable[[set[str]], bool]]] = [
        (["city=Berlin"], lambda cities: cities == {"Berlin"}),
        (["city!=Berlin"], lambda cities: cities != {"Berlin"}),
        (["city~ER"], lambda cities: cities == {"Berlin"}),
        (["city=Berlin", "city=Wien"], lambda cities: cities <= {"Berlin", "Wien"}),
        (["city="], lambda cities: cities == {""}),
        (["city!="], lambda cities: cities != {""}),
        (["coupon=VIP"], lambda _: True),
    ]
    for filters, keeps in cases:
        report = await sales(shop, *filters)
        expected = sum(
            in_range(order.at, BEGIN, END)
            and keeps(world.order_values(order, "city"))
            and ("coupon=VIP" not in filters or "VIP" in world.order_values(order, "coupon"))
            for order in world.orders
        )
        assert report.total.orders == expected, filters


async def test_traffic_and_conversion_by_each_dimension_of_visits(shop, made):
    world = world_of(made)
    for name in sorted(FITS["traffic"]):
        sessions, visitors, views = Counter[str](), defaultdict[str, set[Any]](set), Counter[str]()
        for visit in (visit for own in world.visits.values() for visit in own):
            [value] = world.visit_values(visit, name)
            inside = sum(in_range(event.at, BEGIN, END) for event in visit.events)
            views[value] += inside
            if in_range(visit.at, BEGIN, END):
                sessions[value] += 1
                visitors[value].add(visit.customer)
        request = reports_pb2.GetTrafficReportRequest(scope=scope_of(by=[name]))
        traffic = await shop.reports.get_traffic_report(shop.project, request)
        found = {row.dimensions[name]: (row.sessions, row.page_views) for row in traffic.rows}
        assert found == {value: (sessions[value], views[value]) for value in views if views[value]}, name
        assert sum(row.sessions for row in traffic.rows) == traffic.total.sessions, name
        again = reports_pb2.GetConversionReportRequest(scope=scope_of(by=[name]))
        conversion = await shop.reports.get_conversion_report(shop.project, again)
        rows = {row.dimensions[name]: row for row in conversion.rows}
        assert {value: (row.sessions, row.visitors) for value, row in rows.items() if row.sessions} == {
            value: (count, len(visitors[value])) for value, count in sessions.items()
        }, name
        ordered = {value: figures for value, figures in sales_by(world, name).items() if figures[0]}
        assert {
            value: (row.orders, Decimal(row.total_sales)) for value, row in rows.items() if row.orders
        } == {value: (orders, gross) for value, (orders, _, gross, _) in ordered.items()}, name


async def test_conversion_counts_what_becomes_of_a_visit(shop, made):
    world = world_of(made)
    carts, checkouts = set(), set()
    for each in world.everything:
        visit = world.visit_at(each.customer, each.at)
        if visit is None or not in_range(each.at, BEGIN, END) or not in_range(visit.at, BEGIN, END):
            continue
        if each.type == "cart_add":
            carts.add(id(visit))
        if each.type == "order" or each.properties.get("page_type", "").startswith("checkout"):
            checkouts.add(id(visit))
    request = reports_pb2.GetConversionReportRequest(scope=scope_of())
    total = (await shop.reports.get_conversion_report(shop.project, request)).total
    assert (total.carts, total.checkouts) == (len(carts), len(checkouts))
    assert total.carts
    assert total.checkouts > total.orders // 2


async def test_products_by_each_dimension(shop, made):
    world = world_of(made)
    for name in sorted(FITS["products"]):
        views, carts = Counter[str](), defaultdict[str, set[str]](set)
        for each in world.everything:
            if not in_range(each.at, BEGIN, END) or each.type not in ("product_view", "cart_add"):
                continue
            sku = each.properties["sku"]
            if name in LINES:
                values = world.line_values(sku, None, name)
            elif name in ("coupon", "payment_type"):
                values = {""}
            else:
                values = world.values_at(each, each.at, name)
            for value in values:
                if each.type == "cart_add":
                    carts[value].add(each.properties["cart_id"])
                else:
                    views[value] += 1
        orders, gross = defaultdict[str, set[str]](set), defaultdict[str, Decimal](Decimal)
        for order in world.orders:
            if in_range(order.at, BEGIN, END):
                for sku, price, qty in lines_of(order.seen):
                    for value in world.line_values(sku, order, name):
                        orders[value].add(order.seen.properties["order_id"])
                        gross[value] += price * qty
        request = reports_pb2.GetProductReportRequest(scope=scope_of(by=[name], currency="EUR"))
        [report] = (await shop.reports.get_product_report(shop.project, request)).reports
        found = {
            row.dimensions[name]: (row.views, row.carts, row.orders, Decimal(row.gross))
            for row in report.rows
        }
        assert {value: each for value, each in found.items() if any(each)} == {
            value: (views[value], len(carts[value]), len(orders[value]), gross[value])
            for value in {*views, *carts, *orders}
        }, name


async def test_carts_by_each_dimension(shop, made):
    world = world_of(made)
    created: dict[str, Any] = {}
    skus: dict[str, set[str]] = defaultdict(set)
    for each in world.everything:
        if each.type == "cart_add":
            created.setdefault(each.properties["cart_id"], each)
            skus[each.properties["cart_id"]].add(each.properties["sku"])
    for name in sorted(FITS["carts"]):
        expected = Counter[str]()
        for cart, each in created.items():
            if in_range(each.at, BEGIN, END):
                if name in LINES:
                    expected.update(
                        set().union(*(world.line_values(sku, None, name) for sku in skus[cart])) - {""}
                        or {""}
                    )
                else:
                    expected.update(world.values_at(each, each.at, name))
        request = reports_pb2.GetCartReportRequest(scope=scope_of(by=[name], currency="EUR"))
        [report] = (await shop.reports.get_cart_report(shop.project, request)).reports
        assert {row.dimensions[name]: row.created for row in report.rows} == dict(expected), name


async def test_parcels_by_each_dimension(shop, made):
    world = world_of(made)
    for name in sorted(FITS["fulfilment"]):
        expected = Counter[str]()
        for each in world.everything:
            order = world.by_id[each.properties["order_id"]] if each.type == "shipment" else None
            if order and in_range(order.at, BEGIN, END):
                own = (
                    {"carrier": {each.properties["carrier"]}, "sent_by": {each.source}}
                    if name in ("carrier", "sent_by")
                    else {}
                )
                expected.update(own.get(name) or world.order_values(order, name))
        request = reports_pb2.GetFulfilmentReportRequest(scope=scope_of(by=[name]))
        report = await shop.reports.get_fulfilment_report(shop.project, request)
        assert {row.dimensions[name]: row.parcels for row in report.carriers} == dict(expected), name


async def test_funnels_cohorts_and_lifetime_by_each_dimension(shop, made):
    world = world_of(made)
    for name in sorted(FITS["lifetime"]):
        cohort = Counter[str]()
        for order in world.first.values():
            if in_range(order.at, BEGIN, END):
                if name in LINES:
                    cohort.update(
                        set().union(
                            *(world.line_values(sku, order, name) for sku, _, _ in lines_of(order.seen))
                        )
                    )
                else:
                    cohort.update(world.order_values(order, name))
        lifetime = await shop.reports.get_lifetime_report(
            shop.project,
            reports_pb2.GetLifetimeReportRequest(scope=scope_of(by=[name]), include_visitors=True),
        )
        assert {row.dimensions[name]: row.customers for row in lifetime.rows} == dict(cohort), name
        if name in LINES:
            continue
        retention = await shop.reports.get_retention_report(
            shop.project,
            reports_pb2.GetRetentionReportRequest(scope=scope_of(by=[name]), include_visitors=True),
        )
        assert {each.dimensions[name]: each.size for each in retention.cohorts} == dict(cohort), name
    for name in sorted(FITS["funnel"]):
        request = reports_pb2.GetFunnelReportRequest(scope=scope_of(by=[name]))
        funnel = await shop.reports.get_funnel_report(shop.project, request)
        whole = await shop.reports.get_funnel_report(
            shop.project, reports_pb2.GetFunnelReportRequest(scope=scope_of())
        )
        for place, step in enumerate(whole.funnels[0].steps):
            assert sum(each.steps[place].customers for each in funnel.funnels) == step.customers, name


async def test_coupons_and_segments_are_those_worked_out_one_by_one(shop, made):
    world = world_of(made)
    placed = [order for order in world.orders if in_range(order.at, BEGIN, END)]
    request = reports_pb2.GetCouponReportRequest(scope=scope_of(currency="EUR"))
    [coupons] = (await shop.reports.get_coupon_report(shop.project, request)).reports
    expected = {
        code: [order for order in placed if code in world.order_values(order, "coupon")]
        for code in ("SPRING", "VIP", "")
    }
    rows = {row.coupon: row for row in coupons.rows}
    for code in ("SPRING", "VIP"):
        own = expected[code]
        assert rows[code].orders == len(own)
        assert Decimal(rows[code].total_sales) == sum(order.amount for order in own)
        assert Decimal(rows[code].discounts) == Decimal("1.5") * len(own)
        assert rows[code].customers == len({order.customer for order in own})
    assert coupons.without_coupon.orders == len(expected[""])
    assert coupons.with_coupon.orders == len(placed) - len(expected[""])
    segments = await shop.reports.get_segment_report(
        shop.project, reports_pb2.GetSegmentReportRequest(scope=scope_of(), list="lost")
    )
    counts = Counter(world.segments.values())
    assert {row.segment: row.customers for row in segments.rows if row.customers} == dict(counts)
    assert len(segments.customers) == counts["lost"]
    # Who is named is told by a name.
    named = {order.customer for order in world.orders if order.named}
    assert sum(bool(each.identity) for each in segments.customers) == sum(
        world.segments[who] == "lost" for who in named if who in world.segments
    )
    assert segments.total.customers == len(world.segments)


async def test_a_comparison_stands_beside_each_row_and_says_its_dates(shop, made):
    world = world_of(made)
    scope = scope_of(by=["city"], currency="EUR", compare=report_comparison("previous"))
    request = reports_pb2.GetSalesReportRequest(scope=scope)
    answer = await shop.reports.get_sales_report(shop.project, request)
    began = BEGIN - (END - BEGIN)
    assert getattr(answer.compared, "from").ToDatetime(UTC) == began
    assert answer.compared.to.ToDatetime(UTC) == BEGIN
    now, before = defaultdict[str, list[Decimal]](list), defaultdict[str, list[Decimal]](list)
    for order in world.orders:
        [city] = world.order_values(order, "city")
        if in_range(order.at, BEGIN, END):
            now[city].append(order.amount)
        if in_range(order.at, began, BEGIN):
            before[city].append(order.amount)
    [report] = answer.reports
    assert {row.dimensions["city"]: (row.orders, row.previous.orders) for row in report.rows} == {
        city: (len(now[city]), len(before[city])) for city in {*now, *before}
    }
    for row in (*report.rows, report.total):
        assert getattr(row.compared, "from").ToDatetime(UTC) == began
        assert {field.name for field, _ in row.previous.ListFields()} >= {"gross", "net", "average_order"}
    assert Decimal(report.total.previous.gross) == sum(sum(each) for each in before.values())


async def test_what_only_one_range_has_stands_beside_zeros(shop):
    await shop.send(placed_order("o1", "9.99", at=BEGIN - timedelta(days=3), identity="ann", source="web"))
    await shop.send(placed_order("o2", "5", at=BEGIN + timedelta(days=3), identity="ann", source="app"))
    scope = scope_of(by=["sent_by"], currency="EUR", compare=report_comparison("previous"))
    [report] = (
        await shop.reports.get_sales_report(shop.project, reports_pb2.GetSalesReportRequest(scope=scope))
    ).reports
    rows = {row.dimensions["sent_by"]: row for row in report.rows}
    assert (rows["web"].gross, rows["web"].previous.gross) == ("0", "9.99")
    assert (rows["app"].gross, rows["app"].previous.gross) == ("5", "0")
    assert rows["web"].average_order == rows["app"].previous.average_order == "0.0000"


async def test_a_segment_is_asked_for_by_its_name(shop, made):
    world = world_of(made)
    report = await sales(shop, segment="lost")
    placed = [order for order in world.orders if in_range(order.at, BEGIN, END)]
    assert report.total.orders == sum(world.segments[order.customer] == "lost" for order in placed)
    with pytest.raises(InvalidRequest, match="is no segment; it is one of best, loyal"):
        await sales(shop, segment="rich")


@pytest.mark.parametrize(
    ("report", "scope", "field", "said"),
    [
        ("sales", {"filters": ["colour=red"]}, "scope.filters[0].dimension", "is no dimension"),
        ("sales", {"filters": ["contry=DEU"]}, "scope.filters[0].dimension", "did you mean country?"),
        ("traffic", {"by": ["device", "coupon"]}, "scope.breakdowns[1]", "does not fit the report traffic"),
        ("segment", {"by": ["country"]}, "scope.breakdowns[0]", "leave filters and breakdowns out"),
    ],
)
async def test_a_dimension_that_does_not_fit_is_refused_with_a_sentence(shop, report, scope, field, said):
    filters = scope.pop("filters", [])
    kind = getattr(reports_pb2, f"Get{report.capitalize()}ReportRequest")
    with pytest.raises(InvalidRequest) as refused:
        await getattr(shop.reports, f"get_{report}_report")(
            shop.project, kind(scope=scope_of(*filters, **scope))
        )
    [violation] = refused.value.violations
    assert violation.field == field
    assert said in violation.message


async def test_orders_of_the_version_before_are_read_from_their_events(shop, made):
    """It wrote neither places nor codes into the typed table."""
    del made
    before = {name: await sales(shop, by=[name]) for name in ("city", "region", "coupon")}
    async with shop.pool.connection() as conn:
        await conn.execute("UPDATE order_revisions SET region = NULL, city = NULL, discounts = NULL")
    for name, report in before.items():
        again = await sales(shop, by=[name])
        assert [(dict(row.dimensions), sales_figures(row)) for row in again.rows] == [
            (dict(row.dimensions), sales_figures(row)) for row in report.rows
        ], name
