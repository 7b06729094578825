"""Orders as shops export them: without a cart, lines without a sku, a buyer's name."""

from decimal import Decimal

from shopalytic.v1 import reports_pb2
from shopalytic_server.storage.rebuild.typed_tables import rebuild
from shops.report_shop import event, open_shop


async def test_an_order_without_cart_and_sku_counts_and_survives_a_rebuild(database_url: str):
    lines = [
        {"name": "Gift voucher", "price": "25", "qty": 2},
        {"sku": "a", "name": "Cup", "price": "5", "qty": 1},
    ]
    buyer = {"email": "ann@example.com", "first_name": "Ann", "last_name": "Fox"}
    sale = {"order_id": "o1", "total": "55", "subtotal": "55", "line_items": lines, **buyer}
    back = {"refund_type": "partial", "total_refund": "25", "subtotal_refund": "25"}
    returned = {"order_id": "o1", **back, "line_items": [{"name": "Gift voucher", "price": "25", "qty": 1}]}
    async with open_shop(database_url) as shop:
        await shop.send(event("order", sale, identity="ann"), event("refund", returned, identity="ann", at=5))
        [found] = await shop.sales()
        assert (Decimal(found.total.net), found.total.orders) == (30, 1)
        request = reports_pb2.GetProductReportRequest()
        [report] = (await shop.reports.get_product_report(shop.project, request)).reports
        assert {(row.sku, row.units) for row in report.rows} == {("Gift voucher", 2), ("a", 1)}
    assert (await rebuild(database_url, check=True)).equal
