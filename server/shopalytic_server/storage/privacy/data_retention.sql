-- Removing events that have expired. When an event happened is `occurred_at`,
-- which reports and partitions go by, too.

-- name: projects
SELECT project_id, name, retention FROM projects WHERE retention <> '{}' ORDER BY project_id

-- name: datasets
SELECT 2 * project_id + kind FROM projects CROSS JOIN (VALUES (0), (1)) AS k (kind)

-- Page views may be gone before the moment from when this commits on.
-- name: announce
INSERT INTO expirations (dataset_id, type, before)
SELECT * FROM unnest(%(datasets)s::int[], %(types)s::text[], %(befores)s::timestamptz[]) AS a (dataset_id, type, before)
    ON CONFLICT (dataset_id, type) DO UPDATE SET before = excluded.before
 WHERE expirations.before < excluded.before

-- name: announced
SELECT dataset_id, before FROM expirations
 WHERE dataset_id = ANY(%(datasets)s::int[]) AND type = 'page_view' FOR UPDATE

-- name: count
SELECT count(*) FROM events
 WHERE dataset_id = %(dataset)s AND type = %(type)s AND occurred_at < %(before)s::timestamptz

-- A batch, oldest first, from a moment on. Page views go only from days that are
-- summed up.
-- name: remove
WITH doomed AS MATERIALIZED (
    SELECT e.dataset_id, e.subject, e.occurred_at, e.event_id
      FROM events e
     WHERE e.dataset_id = %(dataset)s AND e.type = %(type)s
       AND e.occurred_at >= %(from_at)s::timestamptz AND e.occurred_at < %(before)s::timestamptz
       AND (%(type)s <> 'page_view'
            OR EXISTS (SELECT 1 FROM rollup_days r
                        WHERE r.dataset_id = e.dataset_id AND r.sealed
                          AND r.day = (e.occurred_at AT TIME ZONE 'UTC')::date))
     ORDER BY e.occurred_at
     LIMIT %(limit)s
), gone AS (
    DELETE FROM events e
     USING doomed d
     WHERE e.dataset_id = d.dataset_id AND e.subject = d.subject AND e.occurred_at = d.occurred_at
       AND e.event_id = d.event_id
    RETURNING e.occurred_at
)
SELECT count(*), min(occurred_at), max(occurred_at) FROM gone

-- Partitions of past months that hold anything, oldest first.
-- name: partitions
SELECT c.relname
  FROM pg_inherits i
  JOIN pg_class c ON c.oid = i.inhrelid
 WHERE i.inhparent = 'events'::regclass AND pg_relation_size(c.oid) > 0
 ORDER BY c.relname

-- Whether a partition holds something that is to stay: an event of a type that
-- does not expire, or not before its end, or a page view of a day that is not
-- summed up. Index access by index access.
-- name: holds_others
SELECT EXISTS (
    SELECT 1 FROM unnest(%(datasets)s::int[], %(types)s::text[], %(befores)s::timestamptz[]) AS k (dataset_id, type, before)
     WHERE EXISTS (SELECT 1 FROM {partition} e
                    WHERE e.dataset_id = k.dataset_id AND e.type = k.type AND e.occurred_at >= k.before)
) OR EXISTS (
    SELECT 1 FROM (SELECT DISTINCT dataset_id FROM unnest(%(datasets)s::int[]) AS each (dataset_id)) AS d
     CROSS JOIN generate_series(%(begin)s::date, %(end)s::date - 1, interval '1 day') AS s (day)
     WHERE EXISTS (SELECT 1 FROM {partition} e
                    WHERE e.dataset_id = d.dataset_id AND e.type = 'page_view'
                      AND e.occurred_at >= s.day::timestamp AT TIME ZONE 'UTC'
                      AND e.occurred_at < (s.day + interval '1 day')::timestamp AT TIME ZONE 'UTC')
       AND NOT EXISTS (SELECT 1 FROM rollup_days r
                        WHERE r.dataset_id = d.dataset_id AND r.day = s.day::date AND r.sealed)
)

-- name: tally
SELECT dataset_id, type, count(*) FROM {partition} GROUP BY dataset_id, type

-- name: hold
LOCK TABLE {partition} IN ACCESS EXCLUSIVE MODE

-- name: empty
TRUNCATE {partition}
