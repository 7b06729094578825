"""Amounts that nobody sends in good faith, over gRPC and as JSON: each gets its verdict, none is a fault."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from shopalytic.v1 import collector_pb2
from shopalytic.v1.events_pb2 import Event
from shopalytic_server.domain.projects import KeyClass
from shopalytic_server.gateway.options import GatewayOptions
from shopalytic_server.gateway.server import GatewayServer
from standins.gateway import fetch
from standins.rpc import Running, batch, page_view, running

GOOD = ["0", "0.0", "9.99", "00001.10", "99999999999999.9999"]
BAD = [
    *(
        "-1",
        "-0",
        "+1",
        " 1",
        "1 ",
        "1\n",
        "1,00",
        "1.000.000",
        "1.",
        ".5",
        "1.00001",
        "$1",
        "1 EUR",
        "",
        "\0",
    ),
    *("100000000000000", "9" * 30, "0." + "3" * 30, "9" * 1_000, "1e3", "1E3", "1e-3", "1e999999999", "0x10"),
    *(
        "NaN",
        "nan",
        "sNaN",
        "Infinity",
        "-Infinity",
        "inf",
        "null",
        "true",
        "1_000",
        "1.0.0",
        "1\N{MINUS SIGN}1",
    ),
    *(
        "\N{ARABIC-INDIC DIGIT SEVEN}",
        "\N{FULLWIDTH DIGIT ONE}",
        "\N{DEVANAGARI DIGIT NINE}",
        "\N{SUPERSCRIPT TWO}",
    ),
    *(
        "\N{MATHEMATICAL BOLD DIGIT ONE}",
        "\N{ROMAN NUMERAL FIVE}",
        "1\N{ARABIC DECIMAL SEPARATOR}5",
        "\u200b1",
    ),
]
# As JSON writes numbers: what is exact and within the limits is taken.
GOOD_NUMBERS = ["0", "-0", "9.99", "1e3", "1E-2", "99999999999999.9999", "1.0000000000"]
BAD_NUMBERS = [
    "-1",
    "-0.01",
    "1e14",
    "9" * 30,
    "0.00001",
    "1e-5",
    "1e999999999",
    "NaN",
    "Infinity",
    "-Infinity",
]
FIELDS = ("total", "subtotal", "total_tax", "total_shipping", "total_discount")


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Running]:
    async with running(database_url) as shop:
        yield shop


def order(**amounts: str) -> Event:
    event = page_view()
    event.order.order_id, event.order.cart_id = "o-1", "c-1"
    event.order.total = event.order.subtotal = "1"
    event.order.line_items.add(sku="s", price="1", qty=1)
    for name, value in amounts.items():
        setattr(event.order, name, value)
    return event


async def statuses(shop: Running, events: list[Event]) -> list[Any]:
    answer = await shop.collector.Track(batch(*events), metadata=shop.key(KeyClass.SERVER))
    return list(answer.results)


async def test_over_grpc_only_plain_amounts_are_accepted(shop: Running) -> None:
    for field in FIELDS:
        for value, result in zip(
            GOOD, await statuses(shop, [order(**{field: v}) for v in GOOD]), strict=True
        ):
            assert result.status == collector_pb2.EVENT_STATUS_ACCEPTED, (field, value, result)
        bad = [value for value in BAD if value or field in ("total", "subtotal")]
        for value, result in zip(bad, await statuses(shop, [order(**{field: v}) for v in bad]), strict=True):
            assert result.status == collector_pb2.EVENT_STATUS_QUARANTINED, (field, value)
            assert f"order.{field}" in [violation.field for violation in result.violations], (field, value)


async def test_prices_of_lines_too(shop: Running) -> None:
    events = []
    for value in BAD:
        events.append(order())
        events[-1].order.line_items[0].price = value
    for value, result in zip(BAD, await statuses(shop, events), strict=True):
        assert result.status == collector_pb2.EVENT_STATUS_QUARANTINED, value
        assert result.violations[0].field == "order.line_items[0].price", value


async def test_as_json_texts_and_numbers_get_the_same_verdicts(shop: Running) -> None:
    good = [json.dumps(value) for value in GOOD] + GOOD_NUMBERS
    bad = [json.dumps(value) for value in BAD if value] + BAD_NUMBERS + ["[1]", "{}", "true", '"\\ud800"']
    gateway = GatewayServer(GatewayOptions(port=0), f"127.0.0.1:{shop.port}")
    port = await gateway.start()
    try:
        for value in (*good, *bad):
            event = '{"type": "cart_add", "tracking_id": "t", "properties": ' + (
                f'{{"cart_id": "c", "sku": "s", "qty": 1, "price": {value}}}}}'
            )
            body = f'{{"token": "{shop.secrets[KeyClass.SERVER]}", "events": [{event}]}}'.encode()
            answer = await fetch(port, "POST", "/collect", body, {"content-type": "application/json"})
            assert answer.status == 200, (value[:60], answer.body)
            [result] = answer.json["results"]
            wanted = "ACCEPTED" if value in good else "QUARANTINED"
            assert result["status"] == wanted, (value[:60], result)
    finally:
        await gateway.stop(1)
