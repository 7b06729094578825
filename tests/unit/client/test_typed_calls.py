"""The types of `track`: a type checker refuses what the contract refuses, and takes what it takes."""

from pathlib import Path

import pytest
from mypy import api

REPOSITORY = Path(__file__).parents[3]
PROGRAM = """
from decimal import Decimal
from shopalytic import AsyncClient, Client

def right(client: Client) -> None:
    line = {"sku": 7, "price": "1", "qty": 1}
    client.track("order", {"order_id": 1, "total": Decimal("1"), "subtotal": 9.99, "line_items": [
        {"sku": "a", "price": "1", "qty": 1}]}, identity="ada")
    client.track("custom", {"name": "x", "properties": {"a": [1]}}, tracking_id="v-1")
    client.track("shipment", {"order_id": "1", "shipment_id": "2", "carrier": "dhl"}, identity="ada")
    client.track_any("whatever", line)

async def also_right(client: AsyncClient) -> str:
    return await client.track("search", {"query": "mug"}, identity="ada")

def wrong(client: Client) -> None:
    client.track("ordr", {"totl": 1})  # wrong
    client.track("search", {"qery": "mug"})  # wrong
    client.track("search", {})  # wrong
    client.track("review", {"sku": "a", "rating": []})  # wrong
    client.track("shipment", {"order_id": "1", "shipment_id": "2", "carrier": "pigeon"})  # wrong
    client.track("search", {"query": "mug"}, identiy="ada")  # wrong
"""


def test_a_type_checker_refuses_what_the_contract_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    program = tmp_path / "shop.py"
    program.write_text(PROGRAM)
    monkeypatch.setenv("MYPYPATH", str(REPOSITORY / "clients" / "python"))
    cache = REPOSITORY / ".mypy_cache" / "typed"
    said, broken, _ = api.run(["--strict", "--config-file=", "--cache-dir", str(cache), str(program)])
    assert not broken
    found = {
        int(line.split(":")[1]) for line in said.splitlines() if ": error:" in line and "shop.py" in line
    }
    expected = {number for number, line in enumerate(PROGRAM.splitlines(), 1) if line.endswith("# wrong")}
    assert found == expected, said
