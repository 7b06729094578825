-- Tokens of days whose facts change, and the versions that they make.

-- The version before facts keeps sums of days, which hold no more; a release later
-- nobody does.
-- name: mark
WITH given AS MATERIALIZED (
    SELECT * FROM unnest(%(datasets)s::int[], %(days)s::date[]) AS d (dataset_id, day)
), gone AS (
    DELETE FROM rollup_days r
     USING given d
     WHERE r.dataset_id = d.dataset_id AND r.day = d.day
       AND NOT EXISTS (SELECT 1 FROM expirations x
                        WHERE x.dataset_id = d.dataset_id AND x.type = 'page_view'
                          AND d.day < (x.before AT TIME ZONE 'UTC')::date)
)
INSERT INTO fact_changes (dataset_id, day, erased)
SELECT dataset_id, day, %(erased)s FROM given

-- name: mark_span
INSERT INTO fact_changes (dataset_id, day)
SELECT dataset_id, day::date
  FROM unnest(%(datasets)s::int[]) AS dataset_id
 CROSS JOIN generate_series(%(first)s::date, %(last)s::date, interval '1 day') AS day

-- name: mark_every_day
INSERT INTO fact_changes (dataset_id, day)
SELECT dataset_id, %(every_day)s
  FROM (SELECT 2 * project_id + kind AS dataset_id FROM projects CROSS JOIN (VALUES (0), (1)) AS k (kind)) AS d
 WHERE %(datasets)s::int[] IS NULL OR dataset_id = ANY(%(datasets)s::int[])

-- Whether a server of the version before facts is at work: it marks no days.
-- name: older_servers
SELECT EXISTS (SELECT 1 FROM pg_stat_activity
                WHERE datname = current_database() AND application_name = 'shopalytic')

-- The versions of closed days, and of all days together: a hash of their tokens, and
-- whether somebody's rows went for good. None while a server is at work that marks
-- no days. Runs where others work with `%` as well.
-- name: versions
SELECT dataset_id, day, md5(string_agg(token::text, '' ORDER BY token)), bool_or(erased), max(marked_at) FILTER (WHERE NOT closing)
  FROM fact_changes
 WHERE dataset_id = ANY({datasets}::int[])
   AND NOT EXISTS (SELECT 1 FROM pg_stat_activity
                    WHERE datname = current_database() AND application_name = 'shopalytic')
 GROUP BY dataset_id, day
HAVING bool_or(closing) OR day = '0001-01-01'

-- Says that what is known of whose subject each is may be otherwise now.
-- name: note_upheaval
INSERT INTO customer_changes (dataset_id)
SELECT dataset_id
  FROM (SELECT 2 * project_id + kind AS dataset_id FROM projects CROSS JOIN (VALUES (0), (1)) AS k (kind)) AS d
 WHERE %(datasets)s::int[] IS NULL OR dataset_id = ANY(%(datasets)s::int[])

-- Nobody keeps links from before these for so long.
-- name: forget_upheavals
DELETE FROM customer_changes WHERE changed_at < now() - interval '2 days'

-- Datasets, and the first currency of their project.
-- name: datasets
SELECT 2 * project_id + kind, coalesce(first_currency, currency)
  FROM projects CROSS JOIN (VALUES (0), (1)) AS k (kind)
 ORDER BY 1

-- Partitions of `events` that hold anything.
-- name: partitions
SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
 WHERE i.inhparent = 'events'::regclass AND pg_relation_size(c.oid) > 0

-- A partition on the coordinator is a shell.
-- on citus: partitions
SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
 WHERE i.inhparent = 'events'::regclass AND citus_relation_size(c.oid) > 0

-- The months in which datasets have facts. `events` is looked at in the months of its
-- partitions; the others by their indexes, from month to month.
-- name: months
WITH RECURSIVE walk AS (
    SELECT d.dataset_id, kind, %(earliest)s::timestamptz AS since, NULL::timestamptz AS at
      FROM unnest(%(datasets)s::int[]) AS d (dataset_id)
     CROSS JOIN generate_series(1, 3) AS kind
     UNION ALL
    SELECT w.dataset_id, w.kind,
           (date_trunc('month', found.at AT TIME ZONE 'UTC') + interval '1 month') AT TIME ZONE 'UTC', found.at
      FROM walk w
     CROSS JOIN LATERAL (
        SELECT CASE w.kind
               WHEN 1 THEN (SELECT min(o.ordered_at) FROM order_revisions o
                             WHERE o.dataset_id = w.dataset_id AND o.current AND o.ordered_at >= w.since)
               WHEN 2 THEN (SELECT min(c.modified_at) FROM cart_changes c
                             WHERE c.dataset_id = w.dataset_id AND c.modified_at >= w.since)
               ELSE (SELECT min(q.occurred_at) FROM page_quarters q
                      WHERE q.dataset_id = w.dataset_id AND q.occurred_at >= w.since) END AS at
      ) AS found
     WHERE found.at IS NOT NULL
)
SELECT dataset_id, date_trunc('month', at AT TIME ZONE 'UTC')::date FROM walk WHERE at IS NOT NULL
 UNION
SELECT d.dataset_id, m.first
  FROM unnest(%(datasets)s::int[]) AS d (dataset_id)
 CROSS JOIN unnest(%(firsts)s::date[], %(begins)s::timestamptz[], %(ends)s::timestamptz[]) AS m (first, begin, "end")
 WHERE EXISTS (
    SELECT 1 FROM unnest(%(types)s::text[]) AS kind (type)
     WHERE EXISTS (SELECT 1 FROM events e
                    WHERE e.dataset_id = d.dataset_id AND e.type = kind.type
                      AND e.occurred_at >= m.begin AND e.occurred_at < m."end"))

-- on citus: months
SELECT DISTINCT dataset_id, date_trunc('month', at AT TIME ZONE 'UTC')::date
  FROM (
    SELECT dataset_id, ordered_at AS at FROM order_revisions
     WHERE dataset_id = ANY(%(datasets)s::int[]) AND current AND ordered_at >= %(earliest)s::timestamptz
     UNION ALL
    SELECT dataset_id, modified_at FROM cart_changes
     WHERE dataset_id = ANY(%(datasets)s::int[]) AND modified_at >= %(earliest)s::timestamptz
  ) AS stated
 UNION
SELECT DISTINCT dataset_id, date_trunc('month', occurred_at AT TIME ZONE 'UTC')::date
  FROM page_quarters
 WHERE dataset_id = ANY(%(datasets)s::int[]) AND occurred_at >= %(earliest)s::timestamptz
 UNION
SELECT e.dataset_id, m.first
  FROM (SELECT dataset_id, date_trunc('month', occurred_at AT TIME ZONE 'UTC')::date AS month
          FROM events
         WHERE dataset_id = ANY(%(datasets)s::int[]) AND type = ANY(%(types)s::text[])
         GROUP BY 1, 2) AS e
  JOIN unnest(%(firsts)s::date[], %(begins)s::timestamptz[], %(ends)s::timestamptz[]) AS m (first, begin, "end")
    ON m.first = e.month

-- Closes the days of months that are before yesterday by the database's clock, and not closed yet.
-- name: close
INSERT INTO fact_changes (dataset_id, day, closing)
SELECT m.dataset_id, s.day::date, true
  FROM unnest(%(datasets)s::int[], %(firsts)s::date[]) AS m (dataset_id, first)
 CROSS JOIN generate_series(m.first, least((m.first + interval '1 month')::date - 1, (now() AT TIME ZONE 'UTC')::date - 2),
                            interval '1 day') AS s (day)
 WHERE NOT EXISTS (SELECT 1 FROM fact_changes c
                    WHERE c.dataset_id = m.dataset_id AND c.day = s.day::date AND c.closing)
 ORDER BY 1, 2

-- Days with several tokens get one instead of them, before their file is made.
-- name: compact
WITH many AS (
    SELECT c.dataset_id, c.day
      FROM fact_changes c
      JOIN unnest(%(datasets)s::int[], %(days)s::date[]) AS d (dataset_id, day)
        ON d.dataset_id = c.dataset_id AND d.day = c.day
     GROUP BY 1, 2
    HAVING count(*) > 1
), gone AS (
    DELETE FROM fact_changes c
     USING many m
     WHERE c.dataset_id = m.dataset_id AND c.day = m.day
    RETURNING c.*
)
INSERT INTO fact_changes (dataset_id, day, closing, erased)
SELECT dataset_id, day, bool_or(closing), bool_or(erased) FROM gone GROUP BY 1, 2
