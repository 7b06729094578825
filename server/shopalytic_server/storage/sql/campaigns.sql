-- Campaigns in the addresses of pages.

-- Those of a range that stand there encoded ("spring%%20sale").
-- name: encoded
SELECT DISTINCT found.campaign
  FROM events e
 CROSS JOIN LATERAL (
    SELECT substring('&' || substring(split_part(e.properties ->> 'url', '#', 1) FROM '[?](.*)$')
                     FROM '&utm_campaign=([^&]*)') AS campaign
  ) AS found
 WHERE e.dataset_id = ANY(%(datasets)s::int[]) AND e.type = 'page_view'
   AND e.occurred_at >= %(from_at)s::timestamptz AND e.occurred_at < %(to_at)s::timestamptz
   AND (%(source)s::text IS NULL OR e.source = %(source)s::text)
   AND (%(include_bots)s::boolean OR NOT e.bot)
   AND e.properties ->> 'url' LIKE '%%utm_campaign=%%' AND found.campaign ~ '[%%+]'

-- The same, of days that are summed up and of the gaps between them.
-- name: encoded_of_rollup
SELECT campaign, sum(counted)::bigint AS counted
  FROM (
    SELECT q.campaign, count(*) AS counted
      FROM page_quarters q
     WHERE q.dataset_id = ANY(%(datasets)s::int[])
       AND q.occurred_at >= %(from_at)s::timestamptz AND q.occurred_at < %(to_at)s::timestamptz
       AND (q.occurred_at AT TIME ZONE 'UTC')::date = ANY(%(days)s::date[])
       AND (%(source)s::text IS NULL OR q.source = %(source)s::text)
       AND (%(include_bots)s::boolean OR NOT q.bot)
       AND q.occurred_at >= %(rows_from)s::timestamptz AND q.occurred_at < %(rows_to)s::timestamptz
       AND q.encoded
     GROUP BY q.campaign
     UNION ALL
    SELECT found.campaign, 1
      FROM unnest(%(gap_begins)s::timestamptz[], %(gap_ends)s::timestamptz[]) AS gap (begins_at, ends_at)
      JOIN events e ON e.occurred_at >= gap.begins_at AND e.occurred_at < gap.ends_at
     CROSS JOIN LATERAL (
        SELECT substring('&' || substring(split_part(e.properties ->> 'url', '#', 1) FROM '[?](.*)$')
                         FROM '&utm_campaign=([^&]*)') AS campaign
      ) AS found
     WHERE e.dataset_id = ANY(%(datasets)s::int[]) AND e.type = 'page_view'
       AND e.occurred_at >= %(rows_from)s::timestamptz AND e.occurred_at < %(rows_to)s::timestamptz
       AND e.occurred_at >= %(from_at)s::timestamptz AND e.occurred_at < %(to_at)s::timestamptz
       AND (%(source)s::text IS NULL OR e.source = %(source)s::text)
       AND (%(include_bots)s::boolean OR NOT e.bot)
       AND e.properties ->> 'url' LIKE '%%utm_campaign=%%' AND found.campaign ~ '[%%+]'
  ) AS each
 GROUP BY campaign
