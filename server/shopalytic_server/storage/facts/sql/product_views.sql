-- name: rows
SELECT e.dataset_id AS dataset, fact_key(s.secret, e.dataset_id, uuid_send(e.subject)) AS subject,
       e.occurred_at AT TIME ZONE 'UTC' AS occurred_at, e.tie_breaker, e.event_id, e.source, e.bot,
       coalesce(e.properties ->> 'currency', {currency}::text) AS currency,
       e.properties ->> 'sku' AS sku, (e.properties ->> 'price')::numeric AS price,
       coalesce(e.context ->> 'utm_campaign', '') AS campaign
  FROM events e
 CROSS JOIN fact_store s
 WHERE e.dataset_id = ANY({datasets}::int[]) AND e.type = 'product_view'
   AND e.occurred_at >= {begin}::timestamptz AND e.occurred_at < {end}::timestamptz
