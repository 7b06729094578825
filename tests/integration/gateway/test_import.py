"""POST /import: what other systems exported, by the dashboard's page: reported first, then stored once."""

import http.client
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from running.running_service import Service, folder

FILES = Path(__file__).parents[1] / "cli" / "exports"
SHOPIFY = ("shopify_customers.csv", "shopify_orders.csv")


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with folder() as place, Service(place) as running:
        yield running


def given(*names: str, **more: Any) -> tuple[dict[str, Any], list[bytes]]:
    """The first line of an upload of these files, and their contents."""
    contents = [(FILES / name).read_bytes() for name in names]
    files = [{"name": name, "size": len(data)} for name, data in zip(names, contents, strict=True)]
    return {"system": "shopify", "files": files, "time_zone": "Europe/Berlin", **more}, contents


def post(service: Service, head: Any, contents: list[bytes], key: str = "server") -> tuple[int, list[Any]]:
    """The status, and the lines of the answer."""
    body = json.dumps(head).encode() + b"\n" + b"".join(contents)
    headers = {"authorization": f"Bearer {service.ready['keys'].get(key, key)}"} if key else {}
    connection = http.client.HTTPConnection(
        service.ready["http_address"].removeprefix("http://"), timeout=120
    )
    try:
        connection.request("POST", "/import", body, headers)
        answer = connection.getresponse()
        return answer.status, [json.loads(line) for line in answer.read().splitlines()]
    finally:
        connection.close()


def refusal(service: Service, head: Any, contents: list[bytes], key: str = "server") -> tuple[int, str]:
    status, [answer] = post(service, head, contents, key)
    return status, answer["error"]["message"]


def test_files_are_reported_first_then_stored_once(service: Service) -> None:
    status, [found, done] = post(service, *given(*SHOPIFY, dry_run=True))
    assert status == 200
    # The same code reads for the command.
    told = service.json("import", "--from", "shopify", "--dry-run", *(FILES / name for name in SHOPIFY))
    for name in ("columns", "columns_unknown", "rows", "events", "refused", "refusals"):
        assert found["finding"][name] == told[name]
    assert (found["finding"]["total"], done) == (6, {"done": None})
    assert service.json("customer", "list")["customers"] == []

    _, [_, *progress, done] = post(service, *given(*SHOPIFY, dry_run=False))
    assert progress[-1]["progress"]["accepted"] == 6
    assert (done["done"]["accepted"], done["done"]["refused"]) == (6, [])
    _, [*_, again] = post(service, *given(*SHOPIFY, dry_run=False))
    assert (again["done"]["accepted"], again["done"]["duplicate"]) == (0, 6)


def test_columns_are_named_and_what_is_wrong_is_told_by_its_row(service: Service) -> None:
    text = b"No;When;Sum;Article\nX-1;someday;9,99;Mug\n"
    columns = {"order_id": "No", "order_date": "When", "total": "Sum", "line_name": "Article"}
    head: dict[str, Any] = {"system": "csv"}
    head["files"] = [{"name": "../../../sales.csv", "size": len(text)}]
    head |= {"columns": {**columns, "line_price": "Sum"}, "dry_run": False}
    _, [found, *_, done] = post(service, head, [text])
    assert "sales.csv, line 2: occurred_at" in found["finding"]["refusals"][0]
    assert done["done"]["quarantined"] == 1
    assert done["done"]["refused"][0]["examples"][0]["row"] == 2


def test_files_of_another_kind_are_told_in_words(service: Service) -> None:
    _, [line] = post(service, {"system": "shopify", "files": [{"name": "x.csv", "size": 8}]}, [b"a,b\n1,2\n"])
    assert "no column that is known" in line["error"]
    _, [line] = post(service, {"system": "segment", "files": [{"name": "x", "size": 8}]}, [b"a,b\n1,2\n"])
    assert "not JSON Lines" in line["error"]


@pytest.mark.parametrize(
    "name", ["", ".", "..", "/", "\0", "\ud800", "売上" * 60 + ".csv", "a" * 300, "con.csv ", "-", "--help"]
)
def test_a_file_may_have_any_name(service: Service, name: str) -> None:
    text = b"No;Sum\nX-1;9.99\n"
    head = {"system": "csv", "files": [{"name": name, "size": len(text)}], "dry_run": True}
    head["columns"] = {"order_id": "No", "total": "Sum"}
    status, [found, _] = post(service, head, [text])
    assert status == 200
    assert found["finding"]["rows"]


@pytest.mark.parametrize(
    "data", [b"", b"\0" * 50, b"\xff\xfe\x00a" * 9, b'"' * 99, b"PK\x03\x04" * 9, b"\x1f\x8b"]
)
@pytest.mark.parametrize(
    "system", ["shopify", "woocommerce", "magento", "prestashop", "segment", "ga4", "csv"]
)
def test_a_file_of_no_kind_is_told_in_words(service: Service, system: str, data: bytes) -> None:
    data = data + b"x"
    head = {"system": system, "files": [{"name": "x.csv.gz", "size": len(data)}], "dry_run": True}
    status, answer = post(service, head, [data])
    assert status == 200
    assert "could not be read to their end" not in str(answer)


@pytest.mark.parametrize("key", ["", "browser", "reports", "admin", "shop_server_" + "x" * 43])
def test_only_a_server_key_imports(service: Service, key: str) -> None:
    status, _ = refusal(service, *given(*SHOPIFY), key)
    assert status == (401 if key in ("", "shop_server_" + "x" * 43) else 403)


@pytest.mark.parametrize(
    ("head", "sentence"),
    [
        ([], "first line"),
        ({"system": "shopify"}, "first line"),
        ({"system": "shopify", "files": [{"name": "x", "size": "many"}]}, "first line"),
        ({"system": "shopify", "files": [{"name": "x", "size": float("inf")}]}, "first line"),
        ({"system": "shopify", "files": [{"name": "x", "size": -1}]}, "none of them empty"),
        ({"system": "shopify", "files": []}, "files: give 1 to 10"),
        ({"system": "shopify", "files": [{"name": "x", "size": 0}]}, "none of them empty"),
        ({"system": "shop", "files": [{"name": "x", "size": 1}]}, "system: give one of shopify"),
        ({"system": "csv", "files": [{"name": "x", "size": 1}], "columns": {"sum": "S"}}, "sum is none of"),
        ({"system": "csv", "files": [{"name": "x", "size": 1}], "time_zone": "../../etc"}, "time_zone"),
        ({"system": "csv", "files": [{"name": "x", "size": 1}], "currency": "euro"}, "currency"),
        ({"system": "csv", "files": [{"name": "x", "size": 5}]}, "shorter"),
        ({"system": "csv", "files": [{"name": "x", "size": 2}]}, "More follows"),
    ],
)
def test_an_upload_that_cannot_be_used_is_refused(service: Service, head: Any, sentence: str) -> None:
    status, message = refusal(service, head, [b"abc"])
    assert status == 400
    assert sentence in message


def test_an_upload_that_says_it_is_too_large_is_refused(service: Service) -> None:
    status, message = refusal(
        service, {"system": "csv", "files": [{"name": "x", "size": 70_000_000}]}, [b"abc"]
    )
    assert status == 413
    assert "shopalytic import" in message
