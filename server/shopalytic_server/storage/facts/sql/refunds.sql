-- name: rows
SELECT f.dataset_id AS dataset, fact_key(s.secret, f.dataset_id, uuid_send(f.subject)) AS subject,
       f.occurred_at AT TIME ZONE 'UTC' AS occurred_at,
       refund_position(f.refund_type, f.occurred_at) AS position, tie_order(f.tie_breaker) AS tie_breaker,
       f.event_id,
       f.source, f.bot, fact_key(s.secret, f.dataset_id, convert_to(f.order_id, 'UTF8')) AS order_key,
       f.refund_type, f.currency, f.amount, f.subtotal_refund, f.tax_refund, f.shipping_refund, f.discount_refund
  FROM refunds f
 CROSS JOIN fact_store s
 WHERE f.dataset_id = ANY({datasets}::int[])
   AND f.occurred_at >= {begin}::timestamptz AND f.occurred_at < {end}::timestamptz
