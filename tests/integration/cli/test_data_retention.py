"""How long events are kept: said by `shopalytic project` and by call, done by `shopalytic retention`."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import grpc
import psycopg
import pytest
from google.rpc.error_details_pb2 import BadRequest

from running.running_service import Service, folder
from shopalytic.v1 import admin_pb2, admin_pb2_grpc
from shopalytic_server.cli.errors import details_of

Retention = admin_pb2.Retention


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with folder() as path, Service(path) as running:
        yield running


def retain(service: Service, *values: str) -> Any:
    return service.json("project", "update", *(part for value in values for part in ("--retain", value)))


def test_a_project_keeps_everything_until_it_says_otherwise(service: Service) -> None:
    assert service.json("project", "show")["retention"] == {}
    assert "all events for ever" in service.command("project", "show").stdout
    assert "keeps all events for ever" in service.command("retention", "run").stdout


def test_types_are_set_one_by_one_and_unset(service: Service) -> None:
    retain(service, "page_view=90", "default=730")
    assert retain(service, "product_view=forever")["retention"] == {
        "default": 730,
        "page_view": 90,
        "product_view": None,
    }
    shown = service.command("project", "show").stdout
    assert "default 730 days, page_view 90 days, product_view for ever" in shown
    assert retain(service, "page_view=default", "default=forever", "product_view=default")["retention"] == {
        "default": None
    }
    assert retain(service, "default=default")["retention"] == {}


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("order=90", "made again by a rebuild"),
        ("cart_add=forever", "only page_view and product_view may expire"),
        ("page_veiw=90", "did you mean 'page_view'?"),
        ("page_view=0", "retention[0].days"),
        ("page_view=-3", "retention[0].days"),
        ("page_view=36501", "must be from 1 to 36,500; this is 36,501"),
        ("page_view=soon", "write one such as page_view=90"),
        ("page_view=", "write one such as page_view=90"),
        ("90", "write one such as page_view=90"),
        ("=90", "write one such as page_view=90"),
    ],
    ids=lambda text: text,
)
def test_what_cannot_be_kept_so_is_told(service: Service, value: str, told: str) -> None:
    done = service.command("project", "update", "--retain", value)
    assert done.returncode in (1, 2)
    assert told in " ".join(done.stderr.replace("│", " ").split())
    assert service.json("project", "show")["retention"] == {}


@pytest.mark.parametrize(
    ("changes", "field", "rule"),
    [
        (
            [Retention(event_type="order", days=1)],
            "retention[0].event_type",
            "is 'order', which is kept for ever",
        ),
        ([Retention(days=1)], "retention[0].event_type", "is required"),
        ([Retention(event_type="nothing", days=1)], "retention[0].event_type", "is not an event type"),
        (
            [Retention(event_type="page_view", days=0)],
            "retention[0].days",
            "must be from 1 to 36,500; this is 0",
        ),
        (
            [Retention(event_type="page_view", days=36_501)],
            "retention[0].days",
            "must be from 1 to 36,500; this is 36,501",
        ),
        ([Retention(event_type="default", forever=False)], "retention[0].forever", "must be true"),
        (
            [Retention(event_type="page_view", days=1), Retention(event_type="page_view", forever=True)],
            "retention[1].event_type",
            "is named twice",
        ),
        ([Retention(event_type=f"t{each}", days=1) for each in range(21)], "retention", "20"),
    ],
    ids=[
        "kept for ever",
        "no type",
        "unknown type",
        "no day",
        "too many days",
        "not for ever",
        "twice",
        "many",
    ],
)
def test_what_cannot_be_kept_so_is_told_by_call(
    service: Service, changes: list[Retention], field: str, rule: str
) -> None:
    with service.channel() as channel, pytest.raises(grpc.RpcError) as caught:
        admin_pb2_grpc.AdminServiceStub(channel).UpdateProject(
            admin_pb2.UpdateProjectRequest(retention=changes), metadata=service.metadata("admin"), timeout=30
        )
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    [violation, *_] = next(details_of(caught.value, BadRequest)).field_violations
    assert violation.field == field
    assert rule in violation.description


def test_old_events_are_imported_counted_and_removed(service: Service) -> None:
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)

    def line(days: int, **fields: Any) -> str:
        at = (today - timedelta(days=days)).isoformat()
        return json.dumps({"event_id": str(uuid4()), "occurred_at": at, "tracking_id": "t1", **fields}) + "\n"

    page = {"type": "page_view", "properties": {"url": "https://shop.example/", "referrer": ""}}
    product = {"type": "product_view", "properties": {"sku": "A", "name": "A", "price": "1"}}
    lines = "".join(
        [*(line(days, **page) for days in range(200, 210)), line(50, **page), line(205, **product)]
    )
    service.json("import", "-", stdin=lines.encode())
    retain(service, "page_view=90", "default=365")
    whole = service.json("report", "traffic", "--interval", "month")
    found = service.json("retention", "run", "--dry-run")
    assert found["dry_run"]
    assert [(each["event_type"], each["days"]) for each in found["expired"]] == [
        ("page_view", 90),
        ("product_view", 365),
    ]
    before = f"{today - timedelta(days=90):%Y-%m-%dT%H:%M:%SZ}"
    assert found["expired"][0]["before"] == before
    # The server may be at it by itself right now, for as long as a few events take.
    while (done := service.command("retention", "run")).returncode:
        assert "right now" in done.stderr
    assert before in done.stdout
    [left] = {each["events"] for each in service.json("retention", "run", "--dry-run")["expired"]}
    assert left == 0
    with psycopg.connect(service.ready["database_url"]) as conn:
        rows = conn.execute("SELECT type, count(*) FROM events GROUP BY type ORDER BY type").fetchall()
    assert rows == [("page_view", 1), ("product_view", 1)]
    assert service.json("report", "traffic", "--interval", "month") == whole
    again = service.json("import", "-", stdin=lines.encode())
    assert again["duplicate"] == 12
