"""An erasure reaches the audit log: what the customer was looked up by goes, and who did it stays."""

import psycopg
import pytest

from shopalytic.v1 import admin_pb2, reports_pb2, users_pb2
from shopalytic_server.domain.access.audit import ERASED
from shopalytic_server.storage.people.audit import Audit
from shopalytic_server.storage.privacy.erasure import Erasures
from shops.report_shop import PROJECT, alias, event, identify, open_shop, order

SUPPORT = "support@shop.example"


@pytest.mark.parametrize(
    "name", ["jane@mail.example", "jane-4711", "jane-too", "jane-phone", "order-of-jane", "p-jane", ""]
)
async def test_the_audit_log_names_the_customer_no_more(database_url: str, name: str) -> None:
    async with open_shop(database_url) as shop:
        parcel = {"order_id": "order-of-jane", "shipment_id": "p-jane", "carrier": "dhl"}
        profile = {"email": "jane@mail.example", "first_name": "Jane", "last_name": "Doe"}
        await shop.send(
            identify("jane-phone", "jane-4711", at=3),
            event("customer_register", profile, identity="jane-4711", at=4),
            alias("jane-too", identity="jane-4711", at=6),
            order("order-of-jane", "20.00", identity="jane-4711", at=20),
            event("shipment", parcel, tracking_id="backend", at=31),
            identify("bob-phone", "bob", at=1),
        )
        name = name or (await shop.customer("jane-4711")).customer_id
        audit, erasures = Audit(shop.pool), Erasures(shop.pool)
        for subject in (name, "bob", ""):
            await audit.record(PROJECT.project_id, SUPPORT, "GetCustomer", subject)

        async def erase(**fields: bool) -> list[tuple[str, str]]:
            selector = reports_pb2.CustomerSelector(any="jane-4711")
            await erasures.erase_customer(
                PROJECT, admin_pb2.EraseCustomerRequest(customer=selector, **fields)
            )
            listed = await audit.list_audit(PROJECT, users_pb2.ListAuditRequest())
            return [(each.actor, each.subject) for each in reversed(listed.entries)]

        assert await erase(dry_run=True) == [(SUPPORT, name), (SUPPORT, "bob"), (SUPPORT, "")]
        assert await erase() == [(SUPPORT, ERASED), (SUPPORT, "bob"), (SUPPORT, "")]
    with psycopg.connect(database_url) as connection:
        kept = "\n".join(row for (row,) in connection.execute("SELECT audit::text FROM audit"))
    assert name not in kept


@pytest.mark.parametrize(
    "name", ["jane@mail.example", "Jane@Mail.Example", "jane-4711", "jane-phone", "J-20"]
)
async def test_who_was_erased_is_not_named_again(database_url: str, name: str) -> None:
    async with open_shop(database_url) as shop:
        profile = {"email": "jane@mail.example", "first_name": "Jane", "last_name": "Doe"}
        await shop.send(
            identify("jane-phone", "jane-4711", at=3),
            event("customer_register", profile, identity="jane-4711", at=4),
            order("J-20", "20.00", identity="jane-4711", at=20),
        )
        who = reports_pb2.CustomerSelector(identity="jane-4711")
        await Erasures(shop.pool).erase_customer(PROJECT, admin_pb2.EraseCustomerRequest(customer=who))
        audit = Audit(shop.pool)
        # Somebody who signs in may have the same address; what is done about them is told.
        for action, subject in (("GetCustomer", name), ("GetCustomer", "bob"), ("AddUser", name)):
            await audit.record(PROJECT.project_id, SUPPORT, action, subject)
        listed = await audit.list_audit(PROJECT, users_pb2.ListAuditRequest())
    told = [(each.action, each.subject) for each in reversed(listed.entries)]
    assert told == [("GetCustomer", ERASED), ("GetCustomer", "bob"), ("AddUser", name)]
