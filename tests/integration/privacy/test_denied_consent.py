"""Denied consent through the real service, by policy, on a database that is searched whole."""

import json
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import grpc
import psycopg
import pytest
from psycopg import sql

from running.running_service import PATIENCE_SECONDS, Service, folder
from shopalytic.v1 import admin_pb2, collector_pb2, reports_pb2
from shopalytic.v1.admin_pb2_grpc import AdminServiceStub
from shopalytic.v1.collector_pb2_grpc import CollectorServiceStub
from shopalytic.v1.events_pb2 import Event
from shopalytic.v1.reports_pb2_grpc import ReportServiceStub

POLICIES = ("keep", "anonymize", "drop")
ACCEPTED, DUPLICATE, CONFLICT, QUARANTINED, REJECTED = (
    getattr(collector_pb2, f"EVENT_STATUS_{name}")
    for name in ("ACCEPTED", "DUPLICATE", "CONFLICT", "QUARANTINED", "REJECTED")
)


@dataclass
class Shop:
    """A project with a policy, and people of whom every text begins with `trace`."""

    service: Service
    policy: str
    keys: dict[str, str]
    trace: str = field(default_factory=lambda: f"zorba{uuid4().hex[:8]}")

    def __post_init__(self) -> None:
        self.channel = self.service.channel()
        self.collector = CollectorServiceStub(self.channel)
        self.reports = ReportServiceStub(self.channel)

    def key(self, key_class: str = "server") -> tuple[tuple[str, str], ...]:
        return (("authorization", f"Bearer {self.keys[key_class]}"),)

    def send(self, *events: Event) -> list[collector_pb2.EventResult]:
        request = collector_pb2.TrackRequest(events=events)
        return list(self.collector.Track(request, metadata=self.key()).results)

    def stream(self, *events: Event) -> list[collector_pb2.EventResult]:
        requests = iter([collector_pb2.TrackRequest(events=events)])
        return [
            result
            for answer in self.collector.TrackStream(requests, metadata=self.key())
            for result in answer.results
        ]

    def collect(self, event: dict[str, Any], *, browser: bool = True) -> tuple[dict[str, Any], str | None]:
        """One result of /collect, and the cookie that came with it."""
        answer, cookie = self.post([event], browser=browser)
        [result] = answer["results"]
        return result, cookie

    def post(
        self, events: list[dict[str, Any]], *, browser: bool = True, cookie: str | None = None
    ) -> tuple[dict[str, Any], str | None]:
        """The answer of /collect, and the cookie that came with it."""
        token = self.keys["browser" if browser else "server"]
        body = json.dumps({"token": token, "events": events}).encode()
        request = urllib.request.Request(f"{self.service.ready['http_address']}/collect", body)
        request.add_header("user-agent", f"{self.trace} browser")
        request.add_header("content-type", "application/json")
        if cookie is not None:
            request.add_header("cookie", f"shopalytic_id={cookie}")
        with urllib.request.urlopen(request) as answer:
            return json.loads(answer.read()), answer.headers["set-cookie"]

    def event(self, consent: str | None = "denied", **payload: Any) -> Event:
        trace = self.trace
        event = Event(
            event_id=str(uuid4()),
            tracking_id=f"{trace}-device",
            identity=f"{trace}-identity",
            source="web",
            context={
                "url": f"https://shop.example/page?who={trace}",
                "referrer": f"https://mail.example/{trace}",
                "user_agent": f"{trace} browser",
                "utm_campaign": "spring",
                "utm_term": trace,
                "address": trace,
            },
            **payload,
        )
        event.occurred_at.FromJsonString("2026-03-02T10:00:00Z")
        if consent is not None:
            event.context.analytics_consent = consent
        return event

    def view(self, consent: str | None = "denied") -> Event:
        url, referrer = f"https://shop.example/page?who={self.trace}", f"https://mail.example/{self.trace}"
        page = {"url": url, "referrer": referrer, "title": f"Hello {self.trace}"}
        return self.event(consent, page_view=page)

    def order(self, order_id: str, consent: str | None = "denied", **more: Any) -> Event:
        place = {"city": self.trace, "zipcode": self.trace, "country": "DEU", "state": self.trace}
        order = {
            "order_id": order_id,
            "cart_id": f"{self.trace}-cart",
            "total": "10.50",
            "subtotal": "10.50",
            "line_items": [{"sku": "S-1", "price": "10.50", "qty": 1}],
            "billing": place,
            "shipping": place,
            "payment_type": self.trace,
            **more,
        }
        return self.event(consent, order=order)

    def identify(self, consent: str | None = "denied") -> Event:
        event = self.event(consent, identify={"identity": f"{self.trace}-identity"})
        event.ClearField("identity")
        return event

    def page_views(self) -> int:
        report = self.reports.GetTrafficReport(
            reports_pb2.GetTrafficReportRequest(), metadata=self.key("reports")
        )
        return int(report.total.page_views)

    def sales(self) -> tuple[int, str]:
        request = reports_pb2.GetSalesReportRequest(scope={"currency": "USD"})
        [report] = self.reports.GetSalesReport(request, metadata=self.key("reports")).reports
        return int(report.total.orders), str(report.total.net)

    def carts(self) -> tuple[int, int]:
        request = reports_pb2.GetCartReportRequest(scope={"currency": "USD"})
        [report] = self.reports.GetCartReport(request, metadata=self.key("reports")).reports
        return int(report.created), int(report.ordered)

    def knows(self, **who: str) -> bool:
        request = reports_pb2.GetCustomerRequest(customer=reports_pb2.CustomerSelector(**who))
        try:
            self.reports.GetCustomer(request, metadata=self.key("reports"))
        except grpc.RpcError as error:
            if error.code() != grpc.StatusCode.NOT_FOUND:
                raise
            return False
        return True

    def found_in_store(self) -> set[str]:
        """The tables with the trace anywhere in a row, also in bytes.

        But for the audit log, which tells whom these tests have looked up.
        """
        needles = [f"%{self.trace}%", f"%{self.trace.encode().hex()}%"]
        found = set()
        with psycopg.connect(self.service.ready["database_url"]) as conn:
            tables = conn.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
            ).fetchall()
            assert ("quarantine",) in tables
            for (table,) in set(tables) - {("audit",)}:
                query = sql.SQL("SELECT count(*) FROM {} AS row WHERE row::text ILIKE ANY(%s)").format(
                    sql.Identifier(table)
                )
                row = conn.execute(query, [needles]).fetchone()
                if row is not None and row[0]:
                    found.add(table)
        return found


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with folder() as path, Service(path, "--log-level", "debug") as running:
        yield running


@pytest.fixture
def shop(service: Service, request: pytest.FixtureRequest) -> Shop:
    """A new project of the policy that the test asks for."""
    name = f"shop-{uuid4().hex[:8]}"
    made = service.json("project", "create", name)
    keys = {key["key_class"]: key["secret"] for key in made["keys"]}
    policy = request.param
    if policy != "keep":
        updated = service.json("project", "update", "--denied-consent", policy, "--key", keys["admin"])
        assert updated["denied_consent"] == policy
    return Shop(service, policy, keys)


every_policy = pytest.mark.parametrize("shop", POLICIES, indirect=True)
anonymizing = pytest.mark.parametrize("shop", ["anonymize"], indirect=True)


def told(results: list[collector_pb2.EventResult]) -> list[tuple[int, list[str]]]:
    return [(result.status, [found.rule_id for found in result.violations]) for result in results]


REFUSED = (REJECTED, ["privacy.consent"])


@every_policy
def test_a_page_view(shop: Shop) -> None:
    event, streamed = shop.view(), shop.view()
    results = [*shop.send(event), *shop.send(event), *shop.stream(streamed)]
    kept = [(ACCEPTED, []), (DUPLICATE, []), (ACCEPTED, [])]
    assert told(results) == (kept if shop.policy != "drop" else [REFUSED] * 3)
    assert shop.page_views() == (2 if shop.policy != "drop" else 0)
    assert bool(shop.found_in_store()) == (shop.policy == "keep")
    assert shop.knows(identity=f"{shop.trace}-identity") == (shop.policy == "keep")


@every_policy
def test_an_order(shop: Shop) -> None:
    event = shop.order("O-1")
    other_id_same_order = shop.order("O-1")
    results = shop.send(event) + shop.send(event) + shop.send(other_id_same_order)
    kept = [(ACCEPTED, []), (DUPLICATE, []), (DUPLICATE, [])]
    assert told(results) == (kept if shop.policy != "drop" else [REFUSED] * 3)
    assert shop.sales() == ((1, "10.50") if shop.policy != "drop" else (0, "0"))
    refund = {"order_id": "O-1", "refund_type": "full"}
    shop.send(shop.event("granted" if shop.policy == "keep" else "denied", refund=refund))
    assert shop.sales()[1] in ("0", "0.00")
    assert bool(shop.found_in_store()) == (shop.policy == "keep")


@every_policy
def test_identify_and_alias_do_not_link(shop: Shop) -> None:
    alias = shop.event(alias={"identity": f"{shop.trace}-other"})
    results = shop.send(shop.identify(), alias)
    expected = [(ACCEPTED, [])] * 2 if shop.policy == "keep" else [REFUSED] * 2
    assert told(results) == expected
    request = collector_pb2.IdentifyRequest(
        event_id=str(uuid4()),
        identity=f"{shop.trace}-identity",
        tracking_id=f"{shop.trace}-device",
        context={"analytics_consent": "denied"},
    )
    request.occurred_at.GetCurrentTime()
    if shop.policy == "keep":
        shop.collector.Identify(request, metadata=shop.key())
    else:
        with pytest.raises(grpc.RpcError) as refused:
            shop.collector.Identify(request, metadata=shop.key())
        assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT
        assert shop.trace not in str(refused.value.details())
    assert shop.knows(identity=f"{shop.trace}-identity") == (shop.policy == "keep")
    assert bool(shop.found_in_store()) == (shop.policy == "keep")


@every_policy
def test_what_breaks_a_rule_is_in_quarantine_only_where_it_may_be_kept(shop: Shop) -> None:
    [invalid] = shop.send(shop.order("O-1", total="much"))
    status = QUARANTINED if shop.policy == "keep" else REJECTED
    assert invalid.status == status
    unreadable = {
        "type": "page_view",
        "properties": {shop.trace: 1},
        "tracking_id": f"{shop.trace}-device",
        "context": {"analytics_consent": "denied"},
    }
    result, cookie = shop.collect(unreadable)
    assert result["status"] == ("QUARANTINED" if shop.policy == "keep" else "REJECTED")
    assert cookie is None
    assert shop.found_in_store() == ({"quarantine"} if shop.policy == "keep" else set())


@every_policy
def test_over_http_it_is_the_same_and_no_cookie_comes_back(shop: Shop) -> None:
    event = {
        "type": "page_view",
        "event_id": str(uuid4()),
        "tracking_id": f"{shop.trace}-device",
        "properties": {"url": f"https://shop.example/?q={shop.trace}", "referrer": ""},
        "context": {"analytics_consent": "denied"},
    }
    first, cookie = shop.collect(event)
    again, _ = shop.collect(event)
    kept = ["ACCEPTED", "DUPLICATE"]
    assert [first["status"], again["status"]] == (kept if shop.policy != "drop" else ["REJECTED"] * 2)
    assert cookie is None
    assert bool(shop.found_in_store()) == (shop.policy == "keep")
    granted = {**event, "event_id": str(uuid4()), "context": {"analytics_consent": "granted"}}
    result, cookie = shop.collect(granted)
    assert result["status"] == "ACCEPTED"
    assert cookie is not None
    assert shop.found_in_store()


def view_of(shop: Shop, consent: str | None) -> dict[str, Any]:
    page = {"url": f"https://shop.example/?q={shop.trace}", "referrer": ""}
    return {
        "type": "page_view",
        "tracking_id": f"{shop.trace}-device",
        "properties": page,
        "context": {} if consent is None else {"analytics_consent": consent},
    }


@every_policy
def test_an_answer_to_a_denied_event_says_what_the_project_does_with_it(shop: Shop) -> None:
    [kept, order] = shop.send(shop.view(), shop.order("O-1", total="much"))
    [granted, silent] = shop.send(shop.view("granted"), shop.view(None))
    assert [kept.denied_consent, order.denied_consent] == [shop.policy] * 2
    assert not granted.HasField("denied_consent")
    assert not silent.HasField("denied_consent")
    for events in ([view_of(shop, "denied")], [view_of(shop, "granted"), view_of(shop, "denied")]):
        assert shop.post(events)[0]["denied_consent"] == shop.policy
    for consent in ("granted", None):
        assert "denied_consent" not in shop.post([view_of(shop, consent)])[0]


@every_policy
def test_the_cookie_of_somebody_who_denies_ends_where_nothing_is_kept_of_them(shop: Shop) -> None:
    device = f"{shop.trace}-device-{'0' * 16}"
    _, cookie = shop.post([view_of(shop, "denied")], cookie=device)
    if shop.policy == "keep":
        assert cookie is None
    else:
        assert cookie is not None
        assert "Max-Age=0" in cookie


@every_policy
def test_an_import_is_judged_alike(shop: Shop) -> None:
    line = {
        "type": "page_view",
        "occurred_at": "2026-03-02T10:00:00Z",
        "identity": f"{shop.trace}-identity",
        "properties": {"url": "https://shop.example/", "referrer": ""},
        "context": {"analytics_consent": "denied"},
    }
    done = shop.service.command(
        "import", "-", "--key", shop.keys["server"], stdin=json.dumps(line).encode() + b"\n"
    )
    assert ("privacy" in done.stderr or "consent" in done.stderr) == (shop.policy == "drop"), done.stderr
    assert shop.page_views() == (0 if shop.policy == "drop" else 1)
    assert bool(shop.found_in_store()) == (shop.policy == "keep")


@anonymizing
def test_a_clash_keeps_nothing_of_the_person_either(shop: Shop) -> None:
    first = shop.view()
    other = shop.order("O-1")
    other.event_id = first.event_id
    assert [status for status, _ in told(shop.send(first, other))] == [ACCEPTED, CONFLICT]
    quarantine = AdminServiceStub(shop.channel).ReplayQuarantine(
        admin_pb2.ReplayQuarantineRequest(), metadata=shop.key("admin")
    )
    assert quarantine.accepted == 0
    assert shop.found_in_store() == set()


@anonymizing
def test_who_watches_sees_what_is_stored(shop: Shop) -> None:
    watched = shop.reports.TailEvents(reports_pb2.TailEventsRequest(), metadata=shop.key("reports"))
    watched.initial_metadata()
    shop.send(shop.order("O-1"), shop.view())
    seen = [next(watched).event for _ in range(2)]
    watched.cancel()
    assert {event.type for event in seen} == {"order", "page_view"}
    assert all(event.tracking_id.startswith("anonymous-") and not event.identity for event in seen)
    assert shop.trace not in str(seen)


@anonymizing
def test_carts_are_counted_apart_from_those_with_consent(shop: Shop) -> None:
    line = {"cart_id": f"{shop.trace}-cart", "sku": "S-1", "price": "10.50", "qty": 1}
    shop.send(shop.event(cart_add=line), shop.event(cart_add={**line, "sku": "S-2"}), shop.order("O-1"))
    assert shop.found_in_store() == set()
    assert shop.carts() == (1, 1)
    shop.send(shop.event("granted", cart_add=line))
    assert shop.carts() == (2, 1)


@anonymizing
def test_a_copy_from_before_goes_with_its_replay(shop: Shop) -> None:
    admin = ("--key", shop.keys["admin"])
    shop.service.json("project", "update", "--denied-consent", "keep", *admin)
    shop.send(shop.order("O-1", total="much"))
    assert "quarantine" in shop.found_in_store()
    shop.service.json("project", "update", "--denied-consent", "drop", *admin)
    request = admin_pb2.ReplayQuarantineRequest()
    stub = AdminServiceStub(shop.channel)
    # A server may not know of a new setting for five seconds.
    deadline = time.monotonic() + PATIENCE_SECONDS
    while shop.found_in_store() and time.monotonic() < deadline:
        stub.ReplayQuarantine(request, metadata=shop.key("admin"))
        time.sleep(0.1)
    assert shop.found_in_store() == set()


@anonymizing
def test_neither_log_nor_metrics_name_the_person(shop: Shop) -> None:
    shop.send(shop.view(), shop.order("O-1"), shop.identify(), shop.order("O-2", total="much"))
    metrics = urllib.request.urlopen(f"{shop.service.ready['http_address']}/metrics").read().decode()
    postgres_log = (shop.service.data_dir / "postgres.log").read_text()
    assert shop.trace not in shop.service.log() + metrics + postgres_log


@every_policy
def test_the_setting_is_shown(shop: Shop) -> None:
    shown = shop.service.json("project", "show", "--key", shop.keys["admin"])
    assert shown["denied_consent"] == shop.policy
    wrong = shop.service.command("project", "update", "--denied-consent", "sell", "--key", shop.keys["admin"])
    assert wrong.returncode == 2
    assert "anonymize" in wrong.stderr
