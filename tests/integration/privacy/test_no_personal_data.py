"""Neither logs nor metrics tell of people, whatever is sent, refused, looked up or erased."""

import json
import urllib.error
import urllib.request
from contextlib import suppress
from datetime import UTC, datetime
from uuid import uuid4

import grpc

from running.running_service import Service, folder
from shopalytic.v1 import admin_pb2, reports_pb2
from shopalytic.v1.admin_pb2_grpc import AdminServiceStub
from shopalytic.v1.collector_pb2 import AliasRequest, IdentifyRequest, TrackRequest
from shopalytic.v1.collector_pb2_grpc import CollectorServiceStub
from shopalytic.v1.events_pb2 import Event
from shopalytic.v1.reports_pb2_grpc import ReportServiceStub

# Each is in some value that is sent, and in nothing else.
TRACES = ("zorbatrace", "Quillotrace", "203.0.113.77", "Vexotrace")
IDENTITY, EMAIL, DEVICE = "zorbatrace-identity", "zorbatrace@mail.example", "zorbatrace-device"


def event(**payload: object) -> Event:
    made = Event(event_id=str(uuid4()), tracking_id=DEVICE, identity=IDENTITY, **payload)
    made.occurred_at.FromDatetime(datetime.now(UTC))
    made.context.url = "https://shop.example/?name=zorbatrace"
    return made


def register(**more: str) -> Event:
    given = {"email": EMAIL, "first_name": "Quillotrace", "last_name": "Vexotrace", **more}
    return event(customer_register=given)


def send(service: Service) -> None:
    stub, key = CollectorServiceStub(service.channel()), service.metadata("server")
    invalid, other, unstorable = register(email="zorbatrace no address"), register(), register()
    invalid.event_id, other.identity = "zorbatrace-id", "zorbatrace-other"
    unstorable.customer_register.first_name = "Quillotrace\0"
    huge = event(page_view={"url": "https://zorbatrace.example/" + "x" * 300_000, "referrer": ""})
    unread = event()
    unread.undecoded.json = '{"email": "zorbatrace@mail.example"'
    stub.Track(TrackRequest(events=[register(), invalid, other, unstorable, huge, unread]), metadata=key)
    for call in (
        IdentifyRequest(event_id="zorbatrace", identity=IDENTITY, tracking_id=DEVICE),
        AliasRequest(event_id=str(uuid4()), identity=IDENTITY, existing_identity="zorbatrace-other"),
    ):
        with suppress(grpc.RpcError):
            method = stub.Identify if isinstance(call, IdentifyRequest) else stub.Alias
            method(call, metadata=key)


def look_up_and_erase(service: Service) -> None:
    reports = ReportServiceStub(service.channel())
    for name in (EMAIL, IDENTITY, "zorbatrace-nobody"):
        request = reports_pb2.GetCustomerRequest(customer=reports_pb2.CustomerSelector(any=name))
        with suppress(grpc.RpcError):
            reports.GetCustomer(request, metadata=service.metadata("reports"))
    admin, key = AdminServiceStub(service.channel()), service.metadata("admin")
    patch = '[{"op": "add", "path": "/zorbatrace", "value": "Vexotrace"}]'
    admin.ReplayQuarantine(admin_pb2.ReplayQuarantineRequest(patch=patch), metadata=key)
    who = reports_pb2.CustomerSelector(any=IDENTITY)
    list(admin.ExportCustomer(admin_pb2.ExportCustomerRequest(customer=who), metadata=key))
    admin.EraseCustomer(admin_pb2.EraseCustomerRequest(customer=who), metadata=key)


def over_http(service: Service) -> None:
    address, token = service.ready["http_address"], service.ready["keys"]["browser"]
    told = {"type": "identify", "properties": {"identity": IDENTITY}, "tracking_id": DEVICE}
    broken = {"type": "zorbatrace", "properties": {"Quillotrace": EMAIL}}
    bodies = [json.dumps({"token": token, "events": [told, broken]}), '{"zorbatrace": ', json.dumps([EMAIL])]
    headers = {
        "x-forwarded-for": "203.0.113.77",
        "user-agent": "Vexotrace/1.0",
        "referer": "https://zorbatrace.example/",
        "cookie": "a=zorbatrace",
    }
    paths = ("/collect", "/zorbatrace?email=zorbatrace@mail.example", "/shopalytic.v1.Zorbatrace/Nothing")
    for path in paths:
        for body in bodies:
            request = urllib.request.Request(f"{address}{path}", body.encode(), headers)
            with suppress(urllib.error.HTTPError):
                urllib.request.urlopen(request).read()


def metrics_of(service: Service) -> str:
    """What the gateway counts; behind proxies it asks for a key."""
    key = {"authorization": f"Bearer {service.ready['keys']['reports']}"}
    request = urllib.request.Request(f"{service.ready['http_address']}/metrics", headers=key)
    with urllib.request.urlopen(request) as answer:
        return str(answer.read().decode())


def test_logs_and_metrics_hold_nothing_of_what_people_are_called():
    with folder() as path:
        flags = ("--log-level", "debug", "--log-format", "json", "--trusted-proxies", "1")
        with Service(path, *flags) as service:
            send(service)
            over_http(service)
            look_up_and_erase(service)
            # What comes of an erased person is refused, and that is no news for the log either.
            send(service)
            metrics = metrics_of(service)
        logs = service.log() + (service.data_dir / "postgres.log").read_text()
        assert "shopalytic_gateway_requests" in metrics
        assert [trace for trace in TRACES if trace.lower() in metrics.lower()] == []
        told = [line for line in logs.splitlines() if any(each.lower() in line.lower() for each in TRACES)]
        assert told == []
