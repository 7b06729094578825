"""Every RPC and every route, with every kind of key in every state: who gets in, and whose data they reach.

Whoever adds an RPC or a route adds its rule here.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc

from shopalytic.v1 import admin_pb2
from shopalytic.v1.admin_pb2_grpc import AdminServiceStub
from shopalytic_server.domain.datasets import Dataset
from shopalytic_server.domain.projects import IssuedKey, KeyClass, new_secret
from shopalytic_server.gateway.application import make_application
from shopalytic_server.gateway.collector import Collector
from shopalytic_server.gateway.compatibility.routes import paths as compatible_paths
from shopalytic_server.gateway.metrics import Metrics
from shopalytic_server.gateway.options import GatewayOptions
from shopalytic_server.gateway.server import GatewayServer
from standins.calls import METHODS, NothingToTail, name_of, refusal_of
from standins.gateway import fetch
from standins.rpc import Running, batch, bearer, running

SENDERS = {KeyClass.BROWSER, KeyClass.SERVER}
READERS = {KeyClass.REPORTS, KeyClass.ADMIN}
ADMINS = {KeyClass.ADMIN}

RPC_RULES: dict[str, set[KeyClass]] = {
    **dict.fromkeys(
        ("CollectorService." + name for name in ("Track", "TrackStream", "Identify", "Alias")), SENDERS
    ),
    **dict.fromkeys(
        (
            "ReportService." + name
            for name in (
                "GetCustomer",
                "ListCustomers",
                "ListCustomerEvents",
                "ListCustomerOrders",
                "ListEvents",
                "GetSalesReport",
                "GetFunnelReport",
                "GetProductReport",
                "GetRetentionReport",
                "GetTrafficReport",
                "GetCartReport",
                "GetFulfilmentReport",
                "GetConversionReport",
                "GetCouponReport",
                "GetSegmentReport",
                "GetLifetimeReport",
                "GetSearchReport",
                "ListOrders",
                "GetDeliveryReport",
                "TailEvents",
            )
        ),
        READERS,
    ),
    "AdminService.GetProject": READERS,
    "AdminService.ListQuarantine": READERS,
    "AdminService.ListMerges": READERS,
    "AdminService.GetQuarantinedEvent": READERS,
    "AdminService.ReplayQuarantine": ADMINS,
    "AdminService.UndoMerge": ADMINS,
    "AdminService.ExportCustomer": ADMINS,
    "AdminService.EraseCustomer": ADMINS,
    "AdminService.CreateProject": ADMINS,
    "AdminService.UpdateProject": ADMINS,
    "AdminService.CreateKey": ADMINS,
    "AdminService.ListKeys": ADMINS,
    "AdminService.RevokeKey": ADMINS,
    "AdminService.RotateKey": ADMINS,
    "AdminService.RotateIdentitySecret": ADMINS,
    **dict.fromkeys(
        (
            "UserService." + name
            for name in (
                "AddUser",
                "ListUsers",
                "UpdateUser",
                "RemoveUser",
                "ResetPassword",
                "ListSessions",
                "EndSessions",
                "ListAudit",
            )
        ),
        ADMINS,
    ),
    **dict.fromkeys(
        (
            "NotificationService." + name
            for name in (
                "SetDigest",
                "ListDigests",
                "DeleteDigest",
                "SendDigest",
                "SetAlert",
                "ListAlerts",
                "DeleteAlert",
                "TestAlerts",
                "ListNotifications",
            )
        ),
        ADMINS,
    ),
}

KEYED = "by its key"
PUBLIC = "to everybody"
THIS_ACCOUNT = "to whoever has an address that works once, made with the reports key"
PASSWORD = "to people by their password, and by the cookie that it begins"
THIS_MACHINE = "to this machine, and elsewhere by its key"
ROUTE_RULES = {
    "/collect": KEYED,
    "/collect.gif": KEYED,
    "/shopalytic.v1.{service}/{method}": KEYED,
    "/shopalytic.js": PUBLIC,
    "/shopalytic-stub.js": PUBLIC,
    "/shopalytic.{version}.js": PUBLIC,
    "/shopalytic.v1.binpb": PUBLIC,
    "/shopalytic.v1.proto.zip": PUBLIC,
    "/healthz": PUBLIC,
    "/readyz": PUBLIC,
    "/metrics": THIS_MACHINE,
    "/": PUBLIC,
    "/docs": PUBLIC,
    "/docs/{path:path}": PUBLIC,
    "/session.json": THIS_ACCOUNT,
    "/sign-in": PASSWORD,
    "/import": KEYED,
    **dict.fromkeys(compatible_paths(), KEYED),
    **dict.fromkeys(("/flags", "/flags/", "/decide", "/decide/"), PUBLIC),
    **dict.fromkeys(("/v1/projects/{key}/settings", "/array/{key}/config", "/array/{key}/config.js"), PUBLIC),
}
ASSETS = "/assets/"

UNKNOWN = new_secret(KeyClass.ADMIN, b"?" * 32)
MALFORMED: dict[str, Any] = {
    "no key": (),
    "a word": bearer("admin"),
    "an unknown key": bearer(UNKNOWN),
    "a longer key": bearer(UNKNOWN + "A"),
    "a key of no class": bearer(UNKNOWN.replace("admin", "root")),
    "another scheme": (("authorization", "Basic c2hvcDpzaG9w"),),
    "no scheme": (("authorization", UNKNOWN),),
    "nothing after the scheme": (("authorization", "Bearer"),),
}


@asynccontextmanager
async def two_shops(database_url: str) -> AsyncIterator[tuple[Running, dict[str, dict[KeyClass, Any]]]]:
    """A server with two projects, and metadata with a key of each class in each state."""
    async with running(database_url, tail=NothingToTail()) as shop:
        other, foreign = await shop.projects.create_project("other")
        del other
        here = shop.project.project_id
        revoked = [await shop.projects.create_key(here, key_class) for key_class in KeyClass]
        for issued in revoked:
            await shop.projects.revoke_key(here, issued.key.key_id)
        past = datetime.now(UTC) - timedelta(seconds=1)
        expired = [await shop.projects.create_key(here, key_class, expires_at=past) for key_class in KeyClass]
        yield (
            shop,
            {
                "own": {key_class: shop.key(key_class) for key_class in KeyClass},
                "foreign": _metadata(foreign),
                "revoked": _metadata(revoked),
                "expired": _metadata(expired),
            },
        )


def _metadata(issued: list[IssuedKey]) -> dict[KeyClass, Any]:
    return {each.key.key_class: bearer(each.secret) for each in issued}


def cells(states: dict[str, dict[KeyClass, Any]]) -> Iterator[tuple[str, str, KeyClass | None, Any]]:
    """Label, state, class and metadata of every key."""
    for state, keys in states.items():
        for key_class, metadata in keys.items():
            yield f"{state} {key_class}", state, key_class, metadata
    for label, metadata in MALFORMED.items():
        yield label, "malformed", None, metadata


def expected(state: str, key_class: KeyClass | None, allowed: set[KeyClass]) -> grpc.StatusCode | None:
    """The refusal that the rule demands; None: the key gets in."""
    if state not in ("own", "foreign"):
        return grpc.StatusCode.UNAUTHENTICATED
    return None if key_class in allowed else grpc.StatusCode.PERMISSION_DENIED


def test_every_rpc_has_a_rule() -> None:
    assert {name_of(method) for method in METHODS} == set(RPC_RULES)


async def test_each_rpc_lets_in_exactly_the_keys_of_its_rule(database_url: str) -> None:
    wrong = []
    async with two_shops(database_url) as (shop, states):
        for method in METHODS:
            for label, state, key_class, metadata in cells(states):
                found = await refusal_of(shop, method, metadata)
                rule = expected(state, key_class, RPC_RULES[name_of(method)])
                if found is not rule:
                    wrong.append(f"{name_of(method)} with {label}: {found} instead of {rule}")
    assert wrong == []


async def test_a_foreign_key_reaches_its_own_project_only(database_url: str) -> None:
    async with two_shops(database_url) as (shop, states):
        foreign = states["foreign"]
        for method in METHODS:
            if RPC_RULES[name_of(method)] == READERS:
                await refusal_of(shop, method, foreign[KeyClass.ADMIN])
        assert {project.name for project, _ in shop.reports.asked} == {"other"}
        await shop.collector.Track(batch(), metadata=foreign[KeyClass.SERVER])
        [[prepared]] = shop.writer.submitted
        assert Dataset(prepared.dataset_id).project_id != shop.project.project_id
        admin = AdminServiceStub(shop.channel)
        mine = (await shop.projects.list_keys(shop.project.project_id))[0]
        for call, request in (
            (admin.RevokeKey, admin_pb2.RevokeKeyRequest(key_id=str(mine.key_id))),
            (admin.RotateKey, admin_pb2.RotateKeyRequest(key_id=str(mine.key_id))),
        ):
            asked: Any = call
            code = await asked(request, metadata=foreign[KeyClass.ADMIN]).code()
            assert code is grpc.StatusCode.NOT_FOUND
        listed = await admin.ListKeys(admin_pb2.ListKeysRequest(), metadata=foreign[KeyClass.ADMIN])
        assert str(mine.key_id) not in {key.key_id for key in listed.keys}
        project = await admin.GetProject(admin_pb2.GetProjectRequest(), metadata=foreign[KeyClass.ADMIN])
        assert project.project.name == "other"


async def test_every_route_has_a_rule() -> None:
    metrics, options = Metrics(), GatewayOptions()
    collector = Collector("127.0.0.1:1", metrics, track_seconds=1)
    app: Any = make_application(collector, metrics, options, asyncio.Event(), {})
    paths = {route.path for route in app._app.routes}
    await collector.close()
    assert {path for path in paths if not path.startswith(ASSETS)} - set(ROUTE_RULES) == set()


async def test_each_keyed_route_lets_in_exactly_the_keys_of_its_rule(database_url: str) -> None:
    wrong = []
    async with two_shops(database_url) as (shop, states):
        gateway = GatewayServer(GatewayOptions(port=0), f"127.0.0.1:{shop.port}")
        port = await gateway.start()
        try:
            for label, state, key_class, metadata in cells(states):
                for path, allowed, body in _requests():
                    headers = {"content-type": "application/json", **dict(metadata)}
                    method = "POST" if body is not None else "GET"
                    answer = await fetch(port, method, path, body, headers)
                    rule = expected(state, key_class, allowed)
                    if {401: grpc.StatusCode.UNAUTHENTICATED, 403: grpc.StatusCode.PERMISSION_DENIED}.get(
                        answer.status
                    ) is not rule or answer.status >= 500:
                        wrong.append(f"{path} with {label}: {answer.status} instead of {rule or 'any other'}")
        finally:
            await gateway.stop(1)
    assert wrong == []


def _requests() -> list[tuple[str, set[KeyClass], bytes | None]]:
    view = {"type": "page_view", "properties": {"url": "https://shop.example/", "referrer": ""}}
    keyed: list[tuple[str, set[KeyClass], bytes | None]] = [
        ("/collect", SENDERS, json.dumps({"events": [view]}).encode()),
        ("/collect.gif?url=https://shop.example/", SENDERS, None),
        ("/v1/batch", SENDERS, b'{"batch": [{"type": "track", "event": "x"}]}'),
        ("/v1/t", SENDERS, b'{"event": "x"}'),
        ("/batch/", SENDERS, b'{"batch": [{"event": "x"}]}'),
        ("/mp/collect", SENDERS, b'{"client_id": "1.2", "events": [{"name": "x"}]}'),
        ("/g/collect?en=x", SENDERS, b""),
        ("/import", {KeyClass.SERVER}, b"no form"),
    ]
    unary = [method for method in METHODS if not (method.client_streaming or method.server_streaming)]
    return keyed + [
        (f"/{method.containing_service.full_name}/{method.name}", RPC_RULES[name_of(method)], b"{}")
        for method in unary
    ]
