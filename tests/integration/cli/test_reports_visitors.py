"""`shopalytic report funnel`, `retention` and `traffic`, and the same questions from Python."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from running.running_service import Service, folder
from shopalytic.reports import Reports


def line(kind, at, who, properties, **envelope):
    return {
        "type": kind,
        "properties": properties,
        "event_id": str(uuid4()),
        "occurred_at": at,
        "identity": who,
        **envelope,
    }


def an_order(name, at, who, total, currency="EUR"):
    properties = {
        "order_id": name,
        "cart_id": "c",
        "total": total,
        "subtotal": total,
        "currency": currency,
        "line_items": [{"sku": "a", "price": total, "qty": 1}],
    }
    return line("order", at, who, properties)


PAGE = {"url": "https://shop.test/?utm_campaign=mail", "referrer": "", "page_type": "home"}
LINES = [
    line("page_view", "2026-01-05T10:00:00Z", "ann", PAGE, source="web"),
    an_order("o1", "2026-01-05T10:01:30Z", "ann", "10.00"),
    an_order("o2", "2026-02-05T10:00:00Z", "ann", "5.50", "USD"),
    line("page_view", "2026-02-07T10:00:00Z", "bea", {**PAGE, "url": "https://shop.test/b"}),
]
RANGE = ("--from", "2026-01-01", "--to", "2026-03-01", "--time-zone", "UTC")
STEPS = ("--step", "page_view:home", "--step", "order")


@pytest.fixture(scope="module")
def service():
    with folder() as path, Service(path) as running:
        text = "".join(json.dumps(each) + "\n" for each in LINES).encode()
        assert running.json("import", "-", stdin=text)["accepted"] == len(LINES)
        yield running


def without_explain(data):
    if isinstance(data, dict):
        return {name: without_explain(value) for name, value in data.items() if name != "explain"}
    return [without_explain(each) for each in data] if isinstance(data, list) else data


def test_retention_is_told_as_cohorts(service):
    assert without_explain(service.json("report", "retention", *RANGE)) == {
        "cohorts": [
            {
                "start": "2026-01-01T00:00:00Z",
                "size": 1,
                "periods": [
                    {"index": 0, "customers": 1, "share": "1.0000", "net": {"EUR": "10.00"}},
                    {"index": 1, "customers": 1, "share": "1.0000", "net": {"USD": "5.50"}},
                ],
            },
            {
                "start": "2026-02-01T00:00:00Z",
                "size": 0,
                "periods": [{"index": 0, "customers": 0, "share": "0.0000", "net": {}}],
            },
        ],
        "more_rows": 0,
    }


def test_a_funnel_of_page_types_is_told_per_campaign(service):
    answer = service.json("report", "funnel", *RANGE, *STEPS, "--split", "campaign", "--window", "2m")
    assert [
        (each["value"], [(step["step"], step["customers"], step["median_seconds"]) for step in each["steps"]])
        for each in answer["funnels"]
    ] == [
        ("", [("page_view:home", 1, ""), ("order", 0, "")]),
        ("mail", [("page_view:home", 1, ""), ("order", 1, "90.000")]),
    ]
    short = service.json("report", "funnel", *RANGE, *STEPS, "--window", "89s")
    assert [step["customers"] for step in short["funnels"][0]["steps"]] == [2, 0]


def test_traffic_is_told_with_its_ways(service):
    answer = service.json("report", "traffic", *RANGE, "--interval", "month", "--currency", "USD")
    assert [(row["start"], row["page_views"]) for row in answer["rows"]] == [
        ("2026-01-01T00:00:00Z", 1),
        ("2026-02-01T00:00:00Z", 1),
    ]
    assert without_explain(answer["campaigns"]) == [
        {"value": "", "sessions": 1, "visitors": 1, "first_touch_revenue": "0", "last_touch_revenue": "0"},
        {
            "value": "mail",
            "sessions": 1,
            "visitors": 1,
            "first_touch_revenue": "5.50",
            "last_touch_revenue": "5.50",
        },
    ]


def test_a_range_alone_or_nothing_is_enough(service):
    for name in ("funnel", "retention", "traffic"):
        assert service.json("report", name, "--from", "2026-01-01", "--to", "2026-03-01")
        assert service.json("report", name)


@pytest.mark.parametrize(
    ("command", "columns"),
    [
        (("funnel",), ["step", "customers", "conversion", "median_seconds"]),
        (
            ("funnel", "--split", "source", *STEPS),
            ["source", "step", "customers", "conversion", "median_seconds"],
        ),
        (("retention",), ["start", "size", "0", "1"]),
        (("retention", "--table", "net"), ["start", "currency", "0", "1"]),
        (("traffic", "--interval", "week"), ["start", "page_views", "visitors", "sessions"]),
        (
            ("traffic", "--table", "referrers"),
            ["referrer", "sessions", "visitors", "first_touch_revenue", "last_touch_revenue"],
        ),
    ],
)
def test_each_table_can_be_had_as_csv_and_for_people(service, command, columns):
    rows = list(csv.reader(io.StringIO(service.command("report", *command, *RANGE, "--csv").stdout)))
    assert rows[0] == columns
    assert len(rows) > 1
    assert {len(row) for row in rows} == {len(columns)}
    assert columns[-1] in service.command("report", *command, *RANGE).stdout


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (("funnel", "--step", "product_veiw"), "product_view"),
        (("funnel", "--window", "a while"), "30m, 12h or 7d"),
        (("retention", "--interval", "day"), "day"),
        (("traffic", "--limit", "0"), "limit"),
    ],
)
def test_what_cannot_be_asked_is_told(service, command, told):
    done = service.command("report", *command)
    assert done.returncode != 0
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_python_asks_the_same_questions(service):
    begin, end = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)
    with Reports(service.address, service.ready["keys"]["reports"]) as reports:
        [funnel] = reports.funnel(
            ["page_view:home", "order"], window=timedelta(minutes=2), start=begin, end=end
        ).funnels
        assert [step.customers for step in funnel.steps] == [2, 1]
        split = reports.funnel(["page_view"], split="campaign", start=begin, end=end).funnels
        assert [each.value for each in split] == ["", "mail"]
        cohorts = reports.retention(interval="month", start=begin, end=end, time_zone="UTC").cohorts
        assert [cohort.size for cohort in cohorts] == [1, 0]
        traffic = reports.traffic(interval="month", limit=1, start=begin, end=end, currency="USD")
        assert (traffic.total.sessions, len(traffic.campaigns)) == (2, 1)
        behind = reports.events(traffic.total.explain).events
        assert [each.type for each in behind] == ["page_view", "page_view"]
    with pytest.raises(ValueError, match="source or campaign"):
        reports.funnel(split="colour")
