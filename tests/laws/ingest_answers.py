"""Sends events to a shop's writer and puts its verdicts into words."""

from typing import Any

import psycopg

from shopalytic.v1 import collector_pb2
from shopalytic.v1.collector_pb2 import EventResult
from shopalytic.v1.events_pb2 import Event
from shopalytic_server.domain.ingest.preparation import Prepared, prepare
from shopalytic_server.domain.projects import KeyClass
from shops.report_shop import NOW, Shop

A, D, C, Q, R = "ACCEPTED", "DUPLICATE", "CONFLICT", "QUARANTINED", "REJECTED"


def prepared(shop: Shop, *events: Event, key_class: KeyClass = KeyClass.SERVER) -> list[Prepared]:
    """The events as one request."""
    return [
        prepare(each, project=shop.project, key_class=key_class, received_at=NOW, sent_at=NOW)
        for each in events
    ]


async def answers(shop: Shop, *events: Event) -> list[EventResult]:
    return list(await shop.writer.submit(prepared(shop, *events)))


def words(results: list[EventResult]) -> list[str]:
    return [collector_pb2.EventStatus.Name(each.status).removeprefix("EVENT_STATUS_") for each in results]


async def send(shop: Shop, *events: Event) -> list[str]:
    """The statuses of one request's events."""
    return words(await answers(shop, *events))


def rules(result: EventResult) -> list[tuple[str, str]]:
    """(field, rule) of each violation."""
    return [(violation.field, violation.rule_id) for violation in result.violations]


def stored(url: str, statement: str) -> list[tuple[Any, ...]]:
    """What a query finds in the store."""
    with psycopg.connect(url) as connection:
        return connection.execute(statement).fetchall()
