"""Shops of a few events, and the numbers that they amount to: the same whatever order the events come in."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import psycopg
import pytest
from google.protobuf import json_format
from psycopg.types.json import Jsonb

from shopalytic.events.decoding import decode_event
from shopalytic.v1 import collector_pb2, reports_pb2
from shopalytic_server.domain.ingest.preparation import Prepared, prepare
from shopalytic_server.domain.projects import KeyClass
from shopalytic_server.storage.rebuild.typed_tables import rebuild
from shops.report_shop import NOW, START, Shop, open_shop

FOLDER = Path(__file__).parents[2] / "vectors/numbers"
VECTORS = {
    f"{path.stem}: {vector['name']}": vector
    for path in sorted(FOLDER.glob("*.json"))
    for vector in json.loads(path.read_text(), parse_float=Decimal)
}
STORED = {collector_pb2.EVENT_STATUS_ACCEPTED, collector_pb2.EVENT_STATUS_DUPLICATE}


def open_project(shop: Shop, database_url: str, number: int, settings: dict[str, Any]) -> Shop:
    """A project of its own in the same store, with the vector's settings."""
    groups = tuple(map(tuple, settings.get("order_number_groups", ())))
    values = {"currency": "EUR", "time_zone": "UTC", **settings, "order_number_groups": groups}
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "INSERT INTO projects (project_id, name, currency, time_zone, browser_event_types, created_at,"
            " order_number_groups) VALUES (%s, %s, %s, %s, '{}', %s, %s)",
            [number, f"shop {number}", values["currency"], values["time_zone"], START, Jsonb(groups)],
        )
    return replace(shop, project=replace(shop.project, project_id=number, **values))


def prepared(shop: Shop, events: list[dict[str, Any]]) -> list[Prepared]:
    items = []
    for each in events:
        told = dict(each)
        sent_at = datetime.fromisoformat(told.pop("sent_at", NOW.isoformat())).astimezone(UTC)
        event = decode_event(told, fill=True)
        items.append(
            prepare(event, project=shop.project, key_class=KeyClass.SERVER, received_at=NOW, sent_at=sent_at)
        )
    return items


def differences(expected: Any, found: Any, where: str = "") -> Iterator[str]:
    """Where an answer says something else than a vector does; what a vector leaves out is not looked at."""
    if isinstance(expected, dict) and isinstance(found, dict):
        for name, value in expected.items():
            yield from differences(value, found.get(name), f"{where}.{name}")
    elif isinstance(expected, list) and isinstance(found, list):
        if len(expected) != len(found):
            yield f"{where} has {len(found)} entries, not {len(expected)}"
        for place, (one, other) in enumerate(zip(expected, found, strict=False)):
            yield from differences(one, other, f"{where}[{place}]")
    elif not same(expected, found):
        yield f"{where} is {found!r}, not {expected!r}"


def same(expected: Any, found: Any) -> bool:
    if expected == found:
        return True
    try:
        return Decimal(str(expected)) == Decimal(str(found))
    except InvalidOperation:
        return False


async def wrong_answers(shop: Shop, vector: dict[str, Any]) -> list[str]:
    found = []
    for question in vector["questions"]:
        request = getattr(reports_pb2, f"{question['call']}Request")()
        json_format.ParseDict(question.get("request", {}), request)
        answer = json_format.MessageToDict(
            await shop.reports.get_answer(shop.project, request),
            preserving_proto_field_name=True,
            always_print_fields_with_no_presence=True,
        )
        found += differences(question["answer"], answer, question["call"])
    return found


@pytest.mark.parametrize("arrival", ["at once", "backwards and twice, one by one"])
async def test_the_numbers_are_those_of_the_vectors(database_url: str, arrival: str):
    wrong = {}
    async with open_shop(database_url) as opened:
        for number, (name, vector) in enumerate(VECTORS.items(), 2):
            shop = open_project(opened, database_url, number, vector.get("project", {}))
            items = prepared(shop, vector["events"])
            together = [items] if arrival == "at once" else [[each] for each in (*reversed(items), *items)]
            results = [result for each in together for result in await shop.writer.submit(each)]
            wrong[name] = [str(result.violations) for result in results if result.status not in STORED]
            wrong[name] += await wrong_answers(shop, vector)
        assert (await rebuild(database_url, check=True)).equal
    assert {name: found for name, found in wrong.items() if found} == {}
