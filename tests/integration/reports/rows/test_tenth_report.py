"""The report that the page on reports writes as an example, run as it stands there."""

import importlib
import re
import zipfile
from functools import partial
from importlib import resources
from pathlib import Path

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from grpc_tools import protoc

from shape import CLIENT, REPOSITORY
from shopalytic.v1 import reports_pb2
from shopalytic_server.storage.database.reading import reading
from shopalytic_server.storage.facts.facts import FactStore
from shops.report_shop import PROJECT, Shop, order, refund

PAGE = REPOSITORY / "docs/explanation/reports.md"
MOST_LINES = 60
HEAD = 'syntax = "proto3";\npackage shopalytic.v1;\nimport "shopalytic/v1/reports.proto";\n'
# What a module of a report imports.
IMPORTS = """
from shopalytic.v1 import reports_pb2
from shopalytic_server.domain.commerce.amounts import text
from shopalytic_server.domain.projects import Project
from shopalytic_server.storage.database.queries import load_beside
from shopalytic_server.storage.facts.facts import Facts, within
from shopalytic_server.storage.facts.scope import resolve_scope
from shopalytic_server.storage.reports.explain import explain_token, explained_by
"""


def blocks() -> dict[str, str]:
    """The page's blocks of code by their language; each comes once."""
    found = re.findall(r"^```(\w+)\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert sorted(language for language, _ in found) == ["proto", "python", "sql"]
    return dict(found)


def add_messages(proto: str, folder: Path, patch: pytest.MonkeyPatch) -> None:
    """Makes the example's messages, as `make protos` would."""
    (folder / "tenth.proto").write_text(HEAD + proto)
    made = folder / "tenth.binpb"
    with zipfile.ZipFile(CLIENT / "shopalytic" / "shopalytic.v1.proto.zip") as archive:
        archive.extractall(folder)
    wellknown = resources.files("grpc_tools") / "_proto"
    command = ["protoc", f"-I{folder}", f"-I{wellknown}", f"--descriptor_set_out={made}", "tenth.proto"]
    assert protoc.main(command) == 0
    [file] = descriptor_pb2.FileDescriptorSet.FromString(made.read_bytes()).file
    pool = descriptor_pool.Default()
    pool.Add(file)
    for each in file.message_type:
        descriptor = pool.FindMessageTypeByName(f"shopalytic.v1.{each.name}")
        patch.setattr(reports_pb2, each.name, message_factory.GetMessageClass(descriptor), raising=False)


async def test_the_example_is_short_and_right(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = blocks()
    assert sum(len(block.strip().splitlines()) for block in written.values()) < MOST_LINES
    add_messages(written["proto"], tmp_path, monkeypatch)
    package = tmp_path / "tenth_reports"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "returns.py").write_text(IMPORTS + written["python"])
    (package / "returns.sql").write_text(written["sql"])
    monkeypatch.syspath_prepend(tmp_path)
    returns = importlib.import_module("tenth_reports.returns")

    await shop.send(
        order("o1", "10.00", identity="ann"),
        order("o2", "7.00", identity="bob", currency="USD"),
        refund("o1", "2.50", identity="ann", at=60),
        refund("o1", "1.25", identity="ann", at=120),
        refund("o2", identity="bob", at=180),
    )
    request = reports_pb2.GetReturnsReportRequest()  # type: ignore[attr-defined]
    answer = await FactStore().answer(
        partial(reading, shop.pool), lambda facts: returns.answer(facts, PROJECT, request)
    )
    assert [(row.currency, row.refunds, row.returned) for row in answer.rows] == [
        ("EUR", 2, "3.75"),
        ("USD", 1, "7.00"),
    ]
    for row in answer.rows:
        behind = reports_pb2.ListEventsRequest(explain=row.explain)
        events = (await shop.reports.list_events(PROJECT, behind)).events
        assert [event.type for event in events] == ["refund"] * row.refunds
