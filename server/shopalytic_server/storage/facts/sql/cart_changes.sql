-- name: rows
SELECT c.dataset_id AS dataset, fact_key(s.secret, c.dataset_id, uuid_send(c.subject)) AS subject,
       c.occurred_at AT TIME ZONE 'UTC' AS occurred_at,
       cart_position(c.added, c.occurred_at) AS position, tie_order(c.tie_breaker) AS tie_breaker,
       c.event_id,
       c.source, c.bot, fact_key(s.secret, c.dataset_id, convert_to(c.cart_id, 'UTF8')) AS cart, c.cart_id, c.sku,
       c.added, coalesce(c.quantity, c.qty) AS quantity, c.removed, c.price, c.currency, c.modified_at AT TIME ZONE 'UTC' AS modified_at
  FROM cart_changes c
 CROSS JOIN fact_store s
 WHERE c.dataset_id = ANY({datasets}::int[])
   AND c.modified_at >= {begin}::timestamptz AND c.modified_at < {end}::timestamptz
