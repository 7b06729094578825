-- name: rows
SELECT e.dataset_id AS dataset, fact_key(s.secret, e.dataset_id, uuid_send(e.subject)) AS subject,
       e.occurred_at AT TIME ZONE 'UTC' AS occurred_at, e.tie_breaker, e.event_id, e.source, e.bot,
       e.properties ->> 'query' AS query, (e.properties ->> 'results')::bigint AS results,
       coalesce(e.context ->> 'utm_campaign', '') AS campaign
  FROM events e
 CROSS JOIN fact_store s
 WHERE e.dataset_id = ANY({datasets}::int[]) AND e.type = 'search'
   AND e.occurred_at >= {begin}::timestamptz AND e.occurred_at < {end}::timestamptz
