"""Whether batches stay as fast when much is stored: the rate at the first million events, and at the last.

Between the two the store is filled by SQL with copies of what is there, of other
visitors and spread over the year before: sending them would take hours.
Prints JSON. Run: .venv/bin/python tests/benchmarks/growth.py [--events 50000000] [--small]
"""

import argparse
import json
import statistics
import sys
from typing import Any

import psycopg
import uvloop
from ingest import send
from load.service import running_service
from load.workload import Workload

_BATCH, _IN_FLIGHT, _PIECE = 1_000, 4, 10_000
_MONTHS = 12

_COPY = """
WITH copied AS MATERIALIZED (
    SELECT s.*, uuidv7(make_interval(months => -%(copy)s %% 12 - 1)) AS new_id,
           md5(%(copy)s || s.subject::text)::uuid AS new_subject,
           s.occurred_at - make_interval(months => %(copy)s %% 12 + 1) AS new_time
      FROM sent s LIMIT %(rows)s
), claimed AS (
    INSERT INTO event_keys (dataset_id, event_id, fingerprint)
    SELECT dataset_id, new_id, md5(new_id::text)::uuid FROM copied ORDER BY new_id
)
INSERT INTO events (dataset_id, subject, occurred_at, event_id, received_at, sent_at, corrected_at, type,
                    tracking_id, identity, source, bot, properties, context)
SELECT dataset_id, new_subject, new_time, new_id, received_at, sent_at, corrected_at, type,
       tracking_id || %(copy)s, identity, source, bot, properties, context
  FROM copied
"""


_PARTITION = """
DO $$
DECLARE
    start CONSTANT timestamptz := date_trunc('month', now()) - interval '{0} months';
BEGIN
    IF to_regclass(to_char(start, '"events_"YYYY"_"MM')) IS NULL THEN
        EXECUTE format('CREATE TABLE %I PARTITION OF events FOR VALUES FROM (%L) TO (%L)',
                       to_char(start, '"events_"YYYY"_"MM'), start, start + interval '1 month');
    END IF;
END $$
"""


def fill(database_url: str, events: int) -> None:
    """Adds about so many events: views, which are nearly all there is."""
    with psycopg.connect(database_url, autocommit=True) as conn:
        for month in range(1, _MONTHS + 1):
            conn.execute(_PARTITION.format(month))
        conn.execute(
            "CREATE TEMP TABLE sent AS SELECT * FROM events WHERE type IN ('page_view', 'product_view')"
        )
        row = conn.execute("SELECT count(*) FROM sent").fetchone()
        assert row is not None
        copy = 0
        while events > 0:
            rows = min(events, row[0])
            conn.execute(_COPY, {"copy": copy, "rows": rows})
            events, copy = events - rows, copy + 1
            print(f"{events:,} events to fill", file=sys.stderr)
        conn.execute("VACUUM ANALYZE events")
        conn.execute("CHECKPOINT")


async def rate(service: dict[str, Any], workload: Workload, events: int) -> float:
    """Sends so many events; the median of the rates of the pieces."""
    rates = []
    for _ in range(max(1, events // _PIECE)):
        requests = list(workload.requests(_PIECE // _BATCH, _BATCH))
        seconds, _ = await send(service["grpc_address"], service["keys"]["server"], requests, _IN_FLIGHT)
        rates.append(_PIECE / seconds)
    return statistics.median(rates)


async def growth(first: int, last: int, looked_at: int) -> dict[str, Any]:
    """The rates of the last of the first events, and of those that come after it was filled."""
    workload = Workload(visitors=20_000)
    with running_service() as service:
        await rate(service, workload, first - looked_at)
        early = await rate(service, workload, looked_at)
        fill(service["database_url"], last - first)
        # The caches get to know what is read now.
        await rate(service, workload, looked_at // 2)
        late = await rate(service, workload, looked_at)
    return {
        "stored_first": first,
        "stored_last": last,
        "events_per_second_first": round(early),
        "events_per_second_last": round(late),
        "ratio": round(late / early, 3),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=2_000_000, help="how many to store (2,000,000)")
    parser.add_argument("--small", action="store_true", help="a quick run that proves the benchmark works")
    options = parser.parse_args()
    figures = (20_000, 40_000, 10_000) if options.small else (1_000_000, options.events, 200_000)
    print(json.dumps(uvloop.run(growth(*figures)), indent=2))
