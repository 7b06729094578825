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
