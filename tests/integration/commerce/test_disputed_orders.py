"""One order number of several identified customers: nothing is refused, and it is listed for review."""

from shopalytic.v1 import reports_pb2
from shops.report_shop import PROJECT, identify, open_shop, order


async def test_an_order_number_of_two_customers_is_listed_and_that_of_a_tag_and_its_backend_is_not(
    database_url: str,
):
    async with open_shop(database_url) as shop:
        await shop.send(
            order("1001", "10.00", identity="ann"),
            order("1001", "20.00", identity="bob", at=5),
            identify("browser", "eve", at=1),
            order("1002", "10.00", tracking_id="browser", at=2),
            order("1002", "11.00", identity="eve", at=6),
            order("1003", "5.00", tracking_id="nobody", at=2),
            order("1003", "6.00", identity="eve", at=6),
        )
        asked = reports_pb2.ListOrdersRequest(disputed=True)
        listed = (await shop.reports.list_orders(PROJECT, asked)).orders
        both = sorted([(await shop.customer(name)).customer_id for name in ("ann", "bob")])
        assert [(each.order_id, each.total, list(each.claimed_by)) for each in listed] == [
            ("1001", "20.00", both)
        ]
        every = (await shop.reports.list_orders(PROJECT, reports_pb2.ListOrdersRequest())).orders
        assert {each.order_id: len(each.claimed_by) for each in every} == {"1001": 2, "1002": 0, "1003": 0}
