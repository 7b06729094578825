-- Sums of the page views that retention removes: a row of `rollup_days` that is
-- `sealed` says that `page_quarters` has all page views of its day.

-- Days of a project before one that have no sums yet, newest first.
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
 CROSS JOIN LATERAL generate_series((first.at AT TIME ZONE 'UTC')::date, %(before)s::date - 1, interval '1 day')
       AS s (day)
 CROSS JOIN LATERAL (VALUES (2 * p.project_id, s.day::date), (2 * p.project_id + 1, s.day::date))
       AS d (dataset_id, day)
 WHERE p.project_id = %(project)s
   AND NOT EXISTS (SELECT 1 FROM rollup_days r
                    WHERE r.dataset_id = d.dataset_id AND r.day = d.day AND r.sealed)
 ORDER BY d.day DESC, d.dataset_id
 LIMIT %(limit)s

-- on citus: missing
SELECT d.dataset_id, d.day
  FROM (SELECT min(occurred_at) AS at FROM events
         WHERE dataset_id IN (2 * %(project)s, 2 * %(project)s + 1) AND type = 'page_view') AS first
 CROSS JOIN LATERAL generate_series((first.at AT TIME ZONE 'UTC')::date, %(before)s::date - 1, interval '1 day')
       AS s (day)
 CROSS JOIN LATERAL (VALUES (2 * %(project)s, s.day::date), (2 * %(project)s + 1, s.day::date))
       AS d (dataset_id, day)
 WHERE NOT EXISTS (SELECT 1 FROM rollup_days r
                    WHERE r.dataset_id = d.dataset_id AND r.day = d.day AND r.sealed)
 ORDER BY d.day DESC, d.dataset_id
 LIMIT %(limit)s

-- Sums of days that lost nothing yet are made anew: nobody has kept them up to date.
-- name: forget_days
DELETE FROM rollup_days WHERE dataset_id = %(dataset)s AND day >= %(first)s::date AND day < %(before)s::date

-- name: announce
INSERT INTO rollup_days (dataset_id, day, sealed)
SELECT dataset_id, day, false FROM unnest(%(datasets)s::int[], %(days)s::date[]) AS d (dataset_id, day)
    ON CONFLICT DO NOTHING

-- name: hold_day
SELECT 1 FROM rollup_days WHERE dataset_id = %(dataset)s AND day = %(day)s AND NOT sealed FOR UPDATE

-- name: clear_day
DELETE FROM page_quarters
 WHERE dataset_id = %(dataset)s
   AND occurred_at >= %(day)s::date::timestamp AT TIME ZONE 'UTC'
   AND occurred_at < (%(day)s::date + 1)::timestamp AT TIME ZONE 'UTC'

-- The quarters that some page views make.
-- name: quarters
SELECT q.dataset_id, q.subject, q.occurred_at, q.event_id, q.last_at, q.page_views, q.bot, q.source, q.site,
       {way}
  FROM (
    SELECT DISTINCT ON (v.dataset_id, v.subject, v.quarter, v.bot, v.source, v.site)
           v.*, max(v.occurred_at) OVER alike AS last_at, count(*) OVER alike AS page_views
      FROM (
        SELECT e.dataset_id, e.subject, e.occurred_at, e.event_id, e.bot, e.source,
               date_bin('15 minutes', e.occurred_at, '2000-01-01 00:00:00+00') AS quarter,
               split_part(e.properties ->> 'url', '/', 1) || '/' || split_part(e.properties ->> 'url', '/', 2)
               || '/' || split_part(e.properties ->> 'url', '/', 3) AS site,
               e.properties ->> 'url' AS url, e.properties ->> 'referrer' AS referrer,
               e.context ->> 'utm_campaign' AS campaign
          FROM {events}
      ) AS v
    WINDOW alike AS (PARTITION BY v.dataset_id, v.subject, v.quarter, v.bot, v.source, v.site)
     ORDER BY v.dataset_id, v.subject, v.quarter, v.bot, v.source, v.site, v.occurred_at, v.event_id
  ) AS q
 CROSS JOIN LATERAL (
{found}
  ) AS found

-- name: views_of_day
events e
         WHERE e.dataset_id = %(dataset)s AND e.type = 'page_view'
           AND e.occurred_at >= %(day)s::date::timestamp AT TIME ZONE 'UTC'
           AND e.occurred_at < (%(day)s::date + 1)::timestamp AT TIME ZONE 'UTC'

-- name: views_given
unnest(%(datasets)s::int[], %(subjects)s::uuid[], %(times)s::timestamptz[], %(event_ids)s::uuid[])
               AS given (dataset_id, subject, occurred_at, event_id)
          JOIN events e USING (dataset_id, subject, occurred_at, event_id)

-- name: sum_up_day
INSERT INTO page_quarters (dataset_id, subject, occurred_at, event_id, last_at, page_views, bot, source, site,
                           landing_page, referrer, campaign, encoded)
{quarters}

-- Quarters that are there take up those of late page views: the sum is that of all.
-- name: add_late
WITH late AS MATERIALIZED (
{quarters}
), gone AS (
    DELETE FROM page_quarters q
     USING late l
     WHERE q.dataset_id = l.dataset_id AND q.subject = l.subject AND q.bot = l.bot
       AND date_bin('15 minutes', q.occurred_at, '2000-01-01 00:00:00+00')
           = date_bin('15 minutes', l.occurred_at, '2000-01-01 00:00:00+00')
       AND q.occurred_at > l.occurred_at - interval '15 minutes'
       AND q.occurred_at < l.occurred_at + interval '15 minutes'
       AND q.source IS NOT DISTINCT FROM l.source AND q.site IS NOT DISTINCT FROM l.site
    RETURNING q.*
), both_kinds AS (
    SELECT *, date_bin('15 minutes', occurred_at, '2000-01-01 00:00:00+00') AS quarter
      FROM (
        SELECT dataset_id, subject, occurred_at, event_id, last_at, page_views, bot, source, site, landing_page,
               referrer, campaign, encoded
          FROM gone
         UNION ALL
        SELECT dataset_id, subject, occurred_at, event_id, last_at, page_views, bot, source, site, landing_page,
               referrer, campaign, encoded
          FROM late
      ) AS each
)
INSERT INTO page_quarters (dataset_id, subject, occurred_at, event_id, last_at, page_views, bot, source, site,
                           landing_page, referrer, campaign, encoded)
SELECT DISTINCT ON (dataset_id, subject, quarter, bot, source, site)
       dataset_id, subject, occurred_at, event_id, max(last_at) OVER alike, sum(page_views) OVER alike, bot,
       source, site, landing_page, referrer, campaign, encoded
  FROM both_kinds
WINDOW alike AS (PARTITION BY dataset_id, subject, quarter, bot, source, site)
 ORDER BY dataset_id, subject, quarter, bot, source, site, occurred_at, event_id

-- name: seal_day
UPDATE rollup_days SET sealed = true WHERE dataset_id = %(dataset)s AND day = %(day)s

-- Facts of a day from which page views may have been removed are made of its sums.
-- name: mark_expired
INSERT INTO fact_changes (dataset_id, day)
SELECT dataset_id, %(day)s FROM expirations
 WHERE dataset_id = %(dataset)s AND type = 'page_view' AND %(day)s::date < (before AT TIME ZONE 'UTC')::date

-- Of some days those whose page views may have been removed, and that have sums; nobody
-- makes these meanwhile.
-- name: hold_days
SELECT r.dataset_id, r.day, r.sealed
  FROM unnest(%(datasets)s::int[], %(days)s::date[]) AS d (dataset_id, day)
  JOIN expirations x ON x.dataset_id = d.dataset_id AND x.type = 'page_view'
       AND d.day < (x.before AT TIME ZONE 'UTC')::date
  JOIN rollup_days r ON r.dataset_id = d.dataset_id AND r.day = d.day
 ORDER BY r.dataset_id, r.day
   FOR UPDATE OF r

-- name: forget_quarters
DELETE FROM page_quarters WHERE dataset_id = %(dataset)s AND subject = ANY(%(subjects)s::uuid[])
