-- Summing up the page views of past days.

-- name: try_lock
SELECT pg_try_advisory_lock(hashtext('shopalytic.rollups'))

-- name: unlock
SELECT pg_advisory_unlock(hashtext('shopalytic.rollups'))

-- Days that can be sealed, newest first, those of a project's datasets alike. A
-- day is left alone for half a day after its end: most late events come by then.
-- name: missing
SELECT d.dataset_id, d.day
  FROM projects p
 CROSS JOIN LATERAL (
    SELECT min(e.occurred_at) AS at
      FROM (VALUES (2 * p.project_id), (2 * p.project_id + 1)) AS own (dataset_id)
     CROSS JOIN LATERAL (
        SELECT occurred_at FROM events
         WHERE dataset_id = own.dataset_id AND type = 'page_view'
         ORDER BY occurred_at LIMIT 1
      ) AS e
  ) AS first
 CROSS JOIN LATERAL generate_series((first.at AT TIME ZONE 'UTC')::date,
                                    (now() AT TIME ZONE 'UTC' - interval '36 hours')::date,
                                    interval '1 day') AS s (day)
 CROSS JOIN LATERAL (VALUES (2 * p.project_id, s.day::date), (2 * p.project_id + 1, s.day::date))
       AS d (dataset_id, day)
 WHERE NOT EXISTS (SELECT FROM rollup_days r
                    WHERE r.dataset_id = d.dataset_id AND r.day = d.day AND r.sealed)
 ORDER BY d.day DESC, d.dataset_id
 LIMIT %(limit)s

-- name: announce
INSERT INTO rollup_days (dataset_id, day, sealed)
SELECT dataset_id, day, false FROM unnest(%(datasets)s::int[], %(days)s::date[]) AS d (dataset_id, day)
    ON CONFLICT DO NOTHING

-- name: next_transaction
SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint

-- name: oldest_transaction
SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint

-- name: hold_day
SELECT FROM rollup_days WHERE dataset_id = %(dataset)s AND day = %(day)s AND NOT sealed FOR UPDATE

-- name: clear_day
DELETE FROM page_quarters
 WHERE dataset_id = %(dataset)s
   AND occurred_at >= %(day)s::date::timestamp AT TIME ZONE 'UTC'
   AND occurred_at < (%(day)s::date + 1)::timestamp AT TIME ZONE 'UTC'

-- name: sum_up_day
INSERT INTO page_quarters (dataset_id, subject, occurred_at, event_id, last_at, page_views, bot, source, site,
                           landing_page, referrer, campaign, encoded)
SELECT q.dataset_id, q.subject, q.occurred_at, q.event_id, q.last_at, q.page_views, q.bot, q.source, q.site,
       {way}
  FROM (
    SELECT DISTINCT ON (v.subject, v.quarter, v.bot, v.source, v.site)
           v.*, max(v.occurred_at) OVER alike AS last_at, count(*) OVER alike AS page_views
      FROM (
        SELECT e.dataset_id, e.subject, e.occurred_at, e.event_id, e.bot, e.source,
               date_bin('15 minutes', e.occurred_at, '2000-01-01 00:00:00+00') AS quarter,
               split_part(e.properties ->> 'url', '/', 1) || '/' || split_part(e.properties ->> 'url', '/', 2)
               || '/' || split_part(e.properties ->> 'url', '/', 3) AS site,
               e.properties ->> 'url' AS url, e.properties ->> 'referrer' AS referrer,
               e.context ->> 'utm_campaign' AS campaign
          FROM events e
         WHERE e.dataset_id = %(dataset)s AND e.type = 'page_view'
           AND e.occurred_at >= %(day)s::date::timestamp AT TIME ZONE 'UTC'
           AND e.occurred_at < (%(day)s::date + 1)::timestamp AT TIME ZONE 'UTC'
      ) AS v
    WINDOW alike AS (PARTITION BY v.subject, v.quarter, v.bot, v.source, v.site)
     ORDER BY v.subject, v.quarter, v.bot, v.source, v.site, v.occurred_at, v.event_id
  ) AS q
 CROSS JOIN LATERAL (
{found}
  ) AS found

-- name: seal_day
UPDATE rollup_days SET sealed = true WHERE dataset_id = %(dataset)s AND day = %(day)s

-- name: forget_days
DELETE FROM rollup_days r
 USING (SELECT DISTINCT dataset_id, day FROM unnest(%(datasets)s::int[], %(days)s::date[]) AS d (dataset_id, day)) AS d
 WHERE r.dataset_id = d.dataset_id AND r.day = d.day

-- name: forget_all_days
DELETE FROM rollup_days

-- name: forget_quarters
DELETE FROM page_quarters WHERE dataset_id = %(dataset)s AND subject = ANY(%(subjects)s::uuid[])
