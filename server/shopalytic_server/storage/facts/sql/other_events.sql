-- Events of all types that have no table of their own, and page views of days of which
-- `page_views` has sums.
-- name: rows
SELECT e.dataset_id AS dataset, fact_key(s.secret, e.dataset_id, uuid_send(e.subject)) AS subject,
       e.occurred_at AT TIME ZONE 'UTC' AS occurred_at,
       event_position(e.type, e.properties ->> 'refund_type', e.occurred_at) AS position, tie_order(e.tie_breaker) AS tie_breaker,
       e.event_id,
       e.source, e.bot, e.type,
       CASE WHEN e.type = 'custom' THEN e.properties ->> 'name' ELSE e.properties ->> 'page_type' END AS page_type,
       coalesce(nullif(e.context ->> 'utm_campaign', ''), given.campaign, '') AS campaign,
       coalesce(e.context ->> 'utm_campaign', '') = '' AND coalesce(given.campaign, '') ~ '[%+]' AS campaign_encoded,
       e.type = 'order' AND EXISTS (
           SELECT 1 FROM order_revisions o
            WHERE o.dataset_id = e.dataset_id AND o.order_id = order_key(e.properties ->> 'order_id', e.source, coalesce(p.order_number_groups, '[]'))
              AND o.current
              AND o.total = 0) AS free
  FROM (
    SELECT * FROM events
     WHERE dataset_id = ANY({datasets}::int[]) AND type = ANY({other_types}::text[])
       AND occurred_at >= {begin}::timestamptz AND occurred_at < {end}::timestamptz
     UNION ALL
    SELECT v.*
      FROM expirations x
      JOIN rollup_days r ON r.dataset_id = x.dataset_id AND r.sealed
       AND r.day < (x.before AT TIME ZONE 'UTC')::date
      JOIN events v ON v.dataset_id = r.dataset_id AND v.type = 'page_view'
       AND v.occurred_at >= r.day::timestamp AT TIME ZONE 'UTC'
       AND v.occurred_at < (r.day + 1)::timestamp AT TIME ZONE 'UTC'
     WHERE x.dataset_id = ANY({datasets}::int[]) AND x.type = 'page_view'
       AND r.day >= ({begin}::timestamptz AT TIME ZONE 'UTC')::date
       AND r.day <= ({end}::timestamptz AT TIME ZONE 'UTC')::date
       AND v.occurred_at >= {begin}::timestamptz AND v.occurred_at < {end}::timestamptz
  ) AS e
  LEFT JOIN projects p ON p.project_id = e.dataset_id / 2
 CROSS JOIN fact_store s
 CROSS JOIN LATERAL (
    SELECT CASE WHEN e.type = 'page_view' AND e.properties ->> 'url' LIKE '%utm_campaign=%'
                THEN substring('&' || substring(split_part(e.properties ->> 'url', '#', 1) FROM '[?](.*)$')
                               FROM '&utm_campaign=([^&]*)') END AS campaign
  ) AS given
 WHERE NOT (e.type = 'order' AND EXISTS (
       SELECT 1 FROM order_revisions v
        WHERE v.dataset_id = e.dataset_id AND v.order_id = order_key(e.properties ->> 'order_id', e.source, coalesce(p.order_number_groups, '[]'))
          AND v.voided))

-- on citus: rows
WITH e AS MATERIALIZED (
    SELECT * FROM events
     WHERE dataset_id = ANY({datasets}::int[]) AND type = ANY({other_types}::text[])
       AND occurred_at >= {begin}::timestamptz AND occurred_at < {end}::timestamptz
     UNION ALL
    SELECT v.*
      FROM expirations x
      JOIN rollup_days r ON r.dataset_id = x.dataset_id AND r.sealed
       AND r.day < (x.before AT TIME ZONE 'UTC')::date
      JOIN events v ON v.dataset_id = r.dataset_id AND v.type = 'page_view'
       AND v.occurred_at >= r.day::timestamp AT TIME ZONE 'UTC'
       AND v.occurred_at < (r.day + 1)::timestamp AT TIME ZONE 'UTC'
     WHERE x.dataset_id = ANY({datasets}::int[]) AND x.type = 'page_view'
       AND r.day >= ({begin}::timestamptz AT TIME ZONE 'UTC')::date
       AND r.day <= ({end}::timestamptz AT TIME ZONE 'UTC')::date
       AND v.occurred_at >= {begin}::timestamptz AND v.occurred_at < {end}::timestamptz
)
SELECT e.dataset_id AS dataset, fact_key(s.secret, e.dataset_id, uuid_send(e.subject)) AS subject,
       e.occurred_at AT TIME ZONE 'UTC' AS occurred_at,
       event_position(e.type, e.properties ->> 'refund_type', e.occurred_at) AS position, tie_order(e.tie_breaker) AS tie_breaker,
       e.event_id,
       e.source, e.bot, e.type,
       CASE WHEN e.type = 'custom' THEN e.properties ->> 'name' ELSE e.properties ->> 'page_type' END AS page_type,
       coalesce(nullif(e.context ->> 'utm_campaign', ''), given.campaign, '') AS campaign,
       coalesce(e.context ->> 'utm_campaign', '') = '' AND coalesce(given.campaign, '') ~ '[%+]' AS campaign_encoded,
       e.type = 'order' AND EXISTS (
           SELECT 1 FROM order_revisions o
            WHERE o.dataset_id = e.dataset_id AND o.order_id = order_key(e.properties ->> 'order_id', e.source, coalesce(p.order_number_groups, '[]'))
              AND o.current
              AND o.total = 0) AS free
  FROM e
  LEFT JOIN projects p ON p.project_id = e.dataset_id / 2
 CROSS JOIN fact_store s
 CROSS JOIN LATERAL (
    SELECT CASE WHEN e.type = 'page_view' AND e.properties ->> 'url' LIKE '%utm_campaign=%'
                THEN substring('&' || substring(split_part(e.properties ->> 'url', '#', 1) FROM '[?](.*)$')
                               FROM '&utm_campaign=([^&]*)') END AS campaign
  ) AS given
 WHERE NOT (e.type = 'order' AND EXISTS (
       SELECT 1 FROM order_revisions v
        WHERE v.dataset_id = e.dataset_id AND v.order_id = order_key(e.properties ->> 'order_id', e.source, coalesce(p.order_number_groups, '[]'))
          AND v.voided))
