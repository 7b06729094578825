"""Which of their numbered events senders got through, kept as ranges per sender and hour."""

from collections.abc import Iterable
from datetime import datetime

from shopalytic_server.domain.events.numbering import Arrival
from shopalytic_server.storage.database.connections import Connection
from shopalytic_server.storage.database.queries import load

_SQL = load("ingest/arrivals")
DROPS = ("queue_full", "expired", "refused", "too_large")

Key = tuple[int, datetime, str, str]


async def note_arrivals(conn: Connection, arrivals: Iterable[Arrival]) -> None:
    """Adds what arrived, in one statement; numbers that arrive again change nothing."""
    ranges: dict[Key, list[str]] = {}
    drops: dict[Key, list[int]] = {}
    for each in arrivals:
        key = (each.dataset_id, each.hour, each.source, each.instance)
        own = ranges.setdefault(key, [])
        if each.first < each.end:
            own.append(f"[{each.first},{each.end})")
        # They only grow, so the largest is the latest.
        drops[key] = list(map(max, drops.get(key, each.drops), each.drops))
    if not ranges:
        return
    # In the order of the key, so that groups of two servers cannot block each other in a circle.
    keys = sorted(ranges)
    await conn.execute(
        _SQL.note_arrivals,
        {
            "datasets": [key[0] for key in keys],
            "hours": [key[1] for key in keys],
            "sources": [key[2] for key in keys],
            "instances": [key[3] for key in keys],
            "received": [f"{{{','.join(ranges[key])}}}" for key in keys],
            **{name: [drops[key][place] for key in keys] for place, name in enumerate(DROPS)},
        },
    )
