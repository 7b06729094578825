-- name: rows
SELECT c.dataset_id AS dataset, fact_key(s.secret, c.dataset_id, uuid_send(c.subject)) AS subject,
       c.occurred_at AT TIME ZONE 'UTC' AS occurred_at,
       parcel_position(c.carrier, c.occurred_at) AS position, tie_order(c.tie_breaker) AS tie_breaker,
       c.event_id,
       c.source, c.bot, fact_key(s.secret, c.dataset_id, convert_to(c.shipment_id, 'UTF8')) AS shipment,
       fact_key(s.secret, c.dataset_id, convert_to(c.order_id, 'UTF8')) AS order_key, c.order_id, c.carrier,
       c.date_shipped AT TIME ZONE 'UTC' AS date_shipped, c.date_delivered AT TIME ZONE 'UTC' AS date_delivered
  FROM shipment_changes c
 CROSS JOIN fact_store s
 WHERE c.dataset_id = ANY({datasets}::int[])
   AND c.occurred_at >= {begin}::timestamptz AND c.occurred_at < {end}::timestamptz
