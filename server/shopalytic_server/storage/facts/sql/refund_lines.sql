-- name: rows
SELECT f.dataset_id AS dataset, fact_key(s.secret, f.dataset_id, uuid_send(f.subject)) AS subject,
       f.occurred_at AT TIME ZONE 'UTC' AS occurred_at,
       refund_position(f.refund_type, f.occurred_at) AS position, tie_order(f.tie_breaker) AS tie_breaker,
       f.event_id,
       f.source, f.bot, fact_key(s.secret, f.dataset_id, convert_to(f.order_id, 'UTF8')) AS order_key,
       f.currency, f.amount, i.sku, i.price, coalesce(i.quantity, i.qty) AS quantity
  FROM refunds f
  JOIN refund_items i ON i.dataset_id = f.dataset_id AND i.order_id = f.order_id AND i.event_id = f.event_id
 CROSS JOIN fact_store s
 WHERE f.dataset_id = ANY({datasets}::int[]) AND f.refund_type = 'partial'
   AND f.occurred_at >= {begin}::timestamptz AND f.occurred_at < {end}::timestamptz
