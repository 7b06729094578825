-- Traffic. Where the rows begin is worked out beforehand, so no time zone is
-- needed here. A page view begins a session when its customer had none in the
-- 30 minutes before it: looking half an hour before the range is enough.

-- Page views that were removed are there as quarters.
-- name: extent
SELECT min(found.at) AS first, max(found.at) AS last
  FROM unnest(%(datasets)s::int[]) AS d (dataset_id)
 CROSS JOIN LATERAL (
    (SELECT e.occurred_at AS at FROM events e
      WHERE e.dataset_id = d.dataset_id AND e.type = 'page_view'
        AND e.occurred_at >= %(from_at)s::timestamptz AND e.occurred_at < %(to_at)s::timestamptz
        AND (%(source)s::text IS NULL OR e.source = %(source)s::text) AND (%(include_bots)s::boolean OR NOT e.bot)
      ORDER BY e.occurred_at LIMIT 1)
     UNION ALL
    (SELECT e.occurred_at FROM events e
      WHERE e.dataset_id = d.dataset_id AND e.type = 'page_view'
        AND e.occurred_at >= %(from_at)s::timestamptz AND e.occurred_at < %(to_at)s::timestamptz
        AND (%(source)s::text IS NULL OR e.source = %(source)s::text) AND (%(include_bots)s::boolean OR NOT e.bot)
      ORDER BY e.occurred_at DESC LIMIT 1)
     UNION ALL
    (SELECT q.occurred_at FROM expirations x
       JOIN page_quarters q ON q.dataset_id = x.dataset_id AND q.occurred_at < x.before
      WHERE x.dataset_id = d.dataset_id AND x.type = 'page_view'
        AND q.occurred_at >= %(from_at)s::timestamptz AND q.occurred_at < %(to_at)s::timestamptz
        AND (%(source)s::text IS NULL OR q.source = %(source)s::text) AND (%(include_bots)s::boolean OR NOT q.bot)
      ORDER BY q.occurred_at LIMIT 1)
     UNION ALL
    (SELECT q.last_at FROM expirations x
       JOIN page_quarters q ON q.dataset_id = x.dataset_id AND q.occurred_at < x.before
      WHERE x.dataset_id = d.dataset_id AND x.type = 'page_view'
        AND q.occurred_at >= %(from_at)s::timestamptz AND q.occurred_at < %(to_at)s::timestamptz
        AND (%(source)s::text IS NULL OR q.source = %(source)s::text) AND (%(include_bots)s::boolean OR NOT q.bot)
      ORDER BY q.occurred_at DESC LIMIT 1)
  ) AS found

-- The hosts of the pages in the range are the shop's own. Most addresses begin
-- alike, so that few hosts have to be picked out.
-- name: own_hosts
SELECT DISTINCT {host} AS host
  FROM (
    SELECT DISTINCT split_part(e.properties ->> 'url', '/', 1) || '/' || split_part(e.properties ->> 'url', '/', 2)
                    || '/' || split_part(e.properties ->> 'url', '/', 3) AS begin
      FROM events e
     WHERE e.dataset_id = ANY(%(datasets)s::int[]) AND e.type = 'page_view'
       AND e.occurred_at >= %(from_at)s::timestamptz AND e.occurred_at < %(to_at)s::timestamptz
       AND (%(source)s::text IS NULL OR e.source = %(source)s::text)
       AND (%(include_bots)s::boolean OR NOT e.bot)
  ) AS pages

-- The same, of days that are summed up and of the gaps between them.
-- name: sites_of_rollup
SELECT begin, sum(counted)::bigint AS counted
  FROM (
    SELECT q.site AS begin, count(*) AS counted
      FROM page_quarters q
     WHERE q.dataset_id = ANY(%(datasets)s::int[])
       AND q.occurred_at >= %(from_at)s::timestamptz AND q.occurred_at < %(to_at)s::timestamptz
       AND (q.occurred_at AT TIME ZONE 'UTC')::date = ANY(%(days)s::date[])
       AND q.occurred_at >= %(rows_from)s::timestamptz AND q.occurred_at < %(rows_to)s::timestamptz
       AND (%(source)s::text IS NULL OR q.source = %(source)s::text)
       AND (%(include_bots)s::boolean OR NOT q.bot)
     GROUP BY q.site
     UNION ALL
    SELECT split_part(e.properties ->> 'url', '/', 1) || '/' || split_part(e.properties ->> 'url', '/', 2)
           || '/' || split_part(e.properties ->> 'url', '/', 3), 1
      FROM unnest(%(gap_begins)s::timestamptz[], %(gap_ends)s::timestamptz[]) AS gap (begins_at, ends_at)
      JOIN events e ON e.occurred_at >= gap.begins_at AND e.occurred_at < gap.ends_at
     WHERE e.dataset_id = ANY(%(datasets)s::int[]) AND e.type = 'page_view'
       AND e.occurred_at >= %(from_at)s::timestamptz AND e.occurred_at < %(to_at)s::timestamptz
       AND e.occurred_at >= %(rows_from)s::timestamptz AND e.occurred_at < %(rows_to)s::timestamptz
       AND (%(source)s::text IS NULL OR e.source = %(source)s::text)
       AND (%(include_bots)s::boolean OR NOT e.bot)
  ) AS pages
 GROUP BY begin

-- name: hosts_of_sites
SELECT DISTINCT {host} AS host FROM unnest(%(sites)s::text[]) AS pages (begin)

-- Page views, or several of them in one row: the first one, with the time of the
-- last and their number.
-- name: views_of_range
SELECT e.dataset_id, {customer_of_e} AS customer_id,
       e.subject, e.occurred_at, e.event_id, e.occurred_at AS last_at, 1 AS page_views,
       e.properties ->> 'url' AS url, e.properties ->> 'referrer' AS referrer, e.context ->> 'utm_campaign' AS campaign
  FROM events e
  {customers_of_e}
 WHERE e.dataset_id = ANY(%(datasets)s::int[]) AND e.type = 'page_view'
   AND e.occurred_at >= %(from_at)s::timestamptz - interval '30 minutes'
   AND e.occurred_at < %(to_at)s::timestamptz
   AND e.occurred_at >= %(rows_from)s::timestamptz AND e.occurred_at < %(rows_to)s::timestamptz
   AND (%(source)s::text IS NULL OR e.source = %(source)s::text)
   AND (%(include_bots)s::boolean OR NOT e.bot)

-- name: views_of_rollup
SELECT v.dataset_id, {customer_of_v} AS customer_id,
       v.subject, v.occurred_at, v.event_id, v.last_at, v.page_views, v.landing_page, v.referrer, v.campaign,
       v.encoded
  FROM (
    SELECT q.dataset_id, q.subject, q.occurred_at, q.event_id, q.last_at, q.page_views, q.landing_page,
           q.referrer, q.campaign, q.encoded
      FROM page_quarters q
     WHERE q.dataset_id = ANY(%(datasets)s::int[])
       AND q.occurred_at >= %(from_at)s::timestamptz - interval '30 minutes'
       AND q.occurred_at < %(to_at)s::timestamptz
       AND q.occurred_at >= %(rows_from)s::timestamptz AND q.occurred_at < %(rows_to)s::timestamptz
       AND (q.occurred_at AT TIME ZONE 'UTC')::date = ANY(%(days)s::date[])
       AND (%(source)s::text IS NULL OR q.source = %(source)s::text)
       AND (%(include_bots)s::boolean OR NOT q.bot)
     UNION ALL
    SELECT e.dataset_id, e.subject, e.occurred_at, e.event_id, e.occurred_at, 1,
           {way}
      FROM unnest(%(gap_begins)s::timestamptz[], %(gap_ends)s::timestamptz[]) AS gap (begins_at, ends_at)
      JOIN events e ON e.occurred_at >= gap.begins_at AND e.occurred_at < gap.ends_at
     CROSS JOIN LATERAL (
        SELECT e.properties ->> 'url' AS url, e.properties ->> 'referrer' AS referrer,
               e.context ->> 'utm_campaign' AS campaign
      ) AS page
     CROSS JOIN LATERAL (
{found}
      ) AS found
     WHERE e.dataset_id = ANY(%(datasets)s::int[]) AND e.type = 'page_view'
       AND e.occurred_at >= %(from_at)s::timestamptz - interval '30 minutes'
       AND e.occurred_at < %(to_at)s::timestamptz
       AND e.occurred_at >= %(rows_from)s::timestamptz AND e.occurred_at < %(rows_to)s::timestamptz
       AND (%(source)s::text IS NULL OR e.source = %(source)s::text)
       AND (%(include_bots)s::boolean OR NOT e.bot)
  ) AS v
  {customers_of_v}

-- All page views, up to the range's end, of those who ordered in the range. IS
-- TRUE keeps the planner from looking each of them up by type and time, which
-- reads everybody's.
-- name: views_of_buyers
SELECT m.dataset_id, m.customer_id, e.subject, e.occurred_at, e.event_id, e.occurred_at AS last_at,
       1 AS page_views, e.properties ->> 'url' AS url, e.properties ->> 'referrer' AS referrer, e.context ->> 'utm_campaign' AS campaign
  FROM members m
  JOIN events e ON e.dataset_id = m.dataset_id AND e.subject = m.subject
 WHERE (e.type = 'page_view') IS TRUE AND e.occurred_at < %(to_at)s::timestamptz
   AND e.occurred_at >= %(rows_from)s::timestamptz AND e.occurred_at < %(rows_to)s::timestamptz
   AND (%(source)s::text IS NULL OR e.source = %(source)s::text)
   AND (%(include_bots)s::boolean OR NOT e.bot)

-- name: of_range
   AND {row}.occurred_at >= %(from_at)s::timestamptz - interval '30 minutes'

-- Quarters are few, so looking at all of a subject's and then at their days is quick.
-- name: views_of_buyers_of_rollup
SELECT m.dataset_id, m.customer_id, q.subject, q.occurred_at, q.event_id, q.last_at, q.page_views, q.landing_page,
       q.referrer, q.campaign, q.encoded
  FROM members m
  JOIN page_quarters q ON q.dataset_id = m.dataset_id AND q.subject = m.subject
 WHERE q.occurred_at < %(to_at)s::timestamptz
   AND q.occurred_at >= %(rows_from)s::timestamptz AND q.occurred_at < %(rows_to)s::timestamptz
{quarters_since}
   AND (q.occurred_at AT TIME ZONE 'UTC')::date = ANY(%(days)s::date[])
   AND (%(source)s::text IS NULL OR q.source = %(source)s::text)
   AND (%(include_bots)s::boolean OR NOT q.bot)
 UNION ALL
SELECT m.dataset_id, m.customer_id, e.subject, e.occurred_at, e.event_id, e.occurred_at, 1,
       {way}
  FROM members m
 CROSS JOIN unnest(%(gap_begins)s::timestamptz[], %(gap_ends)s::timestamptz[]) AS gap (begins_at, ends_at)
  JOIN events e ON e.dataset_id = m.dataset_id AND e.subject = m.subject
       AND e.occurred_at >= gap.begins_at AND e.occurred_at < gap.ends_at
 CROSS JOIN LATERAL (
    SELECT e.properties ->> 'url' AS url, e.properties ->> 'referrer' AS referrer,
           e.context ->> 'utm_campaign' AS campaign
  ) AS page
 CROSS JOIN LATERAL (
{found}
  ) AS found
 WHERE (e.type = 'page_view') IS TRUE AND e.occurred_at < %(to_at)s::timestamptz
   AND e.occurred_at >= %(rows_from)s::timestamptz AND e.occurred_at < %(rows_to)s::timestamptz
{events_since}
   AND (%(source)s::text IS NULL OR e.source = %(source)s::text)
   AND (%(include_bots)s::boolean OR NOT e.bot)

-- name: marked
SELECT v.*, coalesce(v.occurred_at - max(v.last_at) OVER (
                         PARTITION BY v.dataset_id, v.customer_id ORDER BY v.occurred_at, v.event_id
                         ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
                     > interval '30 minutes', true) AS begins
  FROM ({views}) AS v

-- Sessions by their first page view.
-- name: sessions
SELECT w.dataset_id, w.customer_id, w.subject, w.occurred_at, w.event_id, w.landing_page,
       CASE WHEN w.referrer = ANY({own_hosts}) THEN '' ELSE w.referrer END AS referrer, w.campaign, w.encoded
  FROM ({begun}) AS w

-- name: begun
SELECT m.dataset_id, m.customer_id, m.subject, m.occurred_at, m.event_id,
       {way}
  FROM marked m
 CROSS JOIN LATERAL (
{found}
  ) AS found
 WHERE m.begins

-- name: begun_in_rollup
SELECT * FROM marked WHERE begins

-- Page views, visitors and sessions: of each row, of the whole range (number
-- NULL), and of the first of the ways in which sessions came.
-- name: traffic
WITH {mine}marked AS MATERIALIZED (
{marked}
), sessions AS MATERIALIZED (
{sessions}
), customers AS MATERIALIZED (
    SELECT width_bucket(occurred_at, %(starts)s::timestamptz[]) AS number, dataset_id, customer_id,
           sum(page_views) AS page_views, count(*) FILTER (WHERE begins) AS sessions
      FROM marked
     WHERE occurred_at >= %(from_at)s::timestamptz
     GROUP BY number, dataset_id, customer_id
), ways AS (
    SELECT d.dimension,
           CASE d.dimension
           WHEN 'landing_page' THEN s.landing_page
           WHEN 'referrer' THEN s.referrer
           ELSE CASE WHEN s.encoded
                     THEN (%(decoded)s::text[])[array_position(%(encoded)s::text[], s.campaign)]
                     ELSE s.campaign END
           END AS value,
           s.dataset_id, s.customer_id, count(*) AS sessions
      FROM sessions s
     CROSS JOIN (VALUES ('landing_page'), ('referrer'), ('campaign')) AS d (dimension)
     WHERE s.occurred_at >= %(from_at)s::timestamptz
     GROUP BY d.dimension, value, s.dataset_id, s.customer_id
)
SELECT 'row' AS dimension, NULL AS value, number, sum(page_views)::bigint AS counted,
       sum(page_views)::bigint AS page_views, count(*) AS visitors, sum(sessions)::bigint AS sessions
  FROM customers
 GROUP BY number
 UNION ALL
SELECT 'row', NULL, NULL, coalesce(sum(page_views), 0)::bigint, coalesce(sum(page_views), 0)::bigint, count(*),
       coalesce(sum(sessions), 0)::bigint
  FROM (
    SELECT sum(page_views) AS page_views, sum(sessions) AS sessions
      FROM customers
     GROUP BY dataset_id, customer_id
  ) AS each
 UNION ALL
SELECT dimension, value, NULL, sum(sessions)::bigint, 0, count(*), sum(sessions)::bigint
  FROM ways
 GROUP BY dimension, value

-- Who looked at pages, or ordered, outside of the days that are kept.
-- name: live
    SELECT e.dataset_id, e.subject FROM events e
     WHERE e.dataset_id = ANY(%(datasets)s::int[]) AND e.type = 'page_view'
       AND e.occurred_at < least(%(rows_from)s::timestamptz, %(to_at)s::timestamptz)
     UNION
    SELECT e.dataset_id, e.subject FROM events e
     WHERE e.dataset_id = ANY(%(datasets)s::int[]) AND e.type = 'page_view'
       AND e.occurred_at >= %(rows_to)s::timestamptz AND e.occurred_at < %(to_at)s::timestamptz
     UNION
    SELECT o.dataset_id, o.subject FROM order_revisions o
     WHERE o.dataset_id = ANY(%(datasets)s::int[]) AND o.current
       AND o.ordered_at >= %(from_at)s::timestamptz
       AND o.ordered_at < least(%(rows_from)s::timestamptz, %(to_at)s::timestamptz)
     UNION
    SELECT o.dataset_id, o.subject FROM order_revisions o
     WHERE o.dataset_id = ANY(%(datasets)s::int[]) AND o.current
       AND o.ordered_at >= greatest(%(rows_to)s::timestamptz, %(from_at)s::timestamptz)
       AND o.ordered_at < %(to_at)s::timestamptz

-- What came of the ways: each order's total goes to the first session of its
-- customer, and to the last one, that began no later than the order counts. In
-- a customer's timeline `session` counts the sessions so far.
-- name: revenue
WITH placed AS MATERIALIZED (
    SELECT o.dataset_id, {customer_of_o} AS customer_id,
           o.ordered_at, o.event_id, o.total
      FROM order_revisions o
      {customers_of_o}
     WHERE o.dataset_id = ANY(%(datasets)s::int[]) AND o.current
       AND o.ordered_at >= %(from_at)s::timestamptz AND o.ordered_at < %(to_at)s::timestamptz
       AND o.ordered_at >= %(rows_from)s::timestamptz AND o.ordered_at < %(rows_to)s::timestamptz
       AND o.currency = %(currency)s::text
       AND (%(source)s::text IS NULL OR o.source = %(source)s::text)
       AND (%(include_bots)s::boolean OR NOT o.bot)
), buyers AS MATERIALIZED (
    SELECT DISTINCT dataset_id, customer_id FROM placed
), members AS MATERIALIZED (
{members}
), marked AS (
{marked}
), sessions AS (
{sessions}
), timeline AS (
    SELECT s.dataset_id, s.customer_id, s.occurred_at AS at, s.event_id,
           ARRAY[s.landing_page, s.referrer, s.campaign, s.encoded::text] AS way, NULL::numeric AS total
      FROM sessions s
     UNION ALL
    SELECT p.dataset_id, p.customer_id, p.ordered_at, p.event_id, NULL, p.total
      FROM placed p
), numbered AS (
    SELECT t.*, count(t.way) OVER (
               PARTITION BY dataset_id, customer_id ORDER BY at, total NULLS FIRST, event_id) AS session
      FROM timeline t
), touched AS (
    SELECT n.total, n.session,
           first_value(n.way) OVER (PARTITION BY dataset_id, customer_id, session > 0
                                        ORDER BY at, total NULLS FIRST, event_id) AS first_way,
           first_value(n.way) OVER (PARTITION BY dataset_id, customer_id, session
                                        ORDER BY at, total NULLS FIRST, event_id) AS last_way
      FROM numbered n
)
SELECT w.dimension, w.value, count(*) AS counted, coalesce(sum(t.total) FILTER (WHERE w.touch = 'first'), 0) AS first_touch,
       coalesce(sum(t.total) FILTER (WHERE w.touch = 'last'), 0) AS last_touch
  FROM touched t
 CROSS JOIN LATERAL (VALUES
    ('first', 'landing_page', t.first_way[1]),
    ('first', 'referrer', t.first_way[2]),
    ('first', CASE t.first_way[4] WHEN 'true' THEN 'encoded_campaign' ELSE 'campaign' END, t.first_way[3]),
    ('last', 'landing_page', t.last_way[1]),
    ('last', 'referrer', t.last_way[2]),
    ('last', CASE t.last_way[4] WHEN 'true' THEN 'encoded_campaign' ELSE 'campaign' END, t.last_way[3])
  ) AS w (touch, dimension, value)
 WHERE t.total IS NOT NULL AND t.session > 0
 GROUP BY w.dimension, w.value

-- name: explain_row
SELECT e.dataset_id, e.subject, e.occurred_at, e.event_id
  FROM events e
 WHERE e.dataset_id = ANY(%(datasets)s::int[]) AND e.type = 'page_view'
   AND e.occurred_at >= %(from_at)s::timestamptz AND e.occurred_at < %(to_at)s::timestamptz
   AND (%(source)s::text IS NULL OR e.source = %(source)s::text)
   AND (%(include_bots)s::boolean OR NOT e.bot)

-- The first page views of the sessions that came one way; `encoded` are the
-- forms in which the campaign stands in addresses.
-- name: explain_way
WITH marked AS (
{marked}
), sessions AS (
{sessions}
)
SELECT dataset_id, subject, occurred_at, event_id
  FROM sessions s
 WHERE s.occurred_at >= %(from_at)s::timestamptz
   AND CASE %(dimension)s::text
       WHEN 'landing_page' THEN s.landing_page = %(value)s::text
       WHEN 'referrer' THEN s.referrer = %(value)s::text
       WHEN 'campaign' THEN CASE WHEN s.encoded THEN s.campaign = ANY(%(encoded)s::text[])
                                 ELSE s.campaign = %(value)s::text END
       END
