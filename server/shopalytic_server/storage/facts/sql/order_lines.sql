-- name: rows
SELECT o.dataset_id AS dataset, fact_key(s.secret, o.dataset_id, convert_to(o.order_id, 'UTF8')) AS order_key,
       o.ordered_at AT TIME ZONE 'UTC' AS ordered_at, o.source, o.bot, o.currency,
       i.sku, i.price, i.qty::bigint AS units, coalesce(i.quantity, i.qty) AS quantity, i.cost
  FROM order_revisions o
  JOIN order_items i ON i.dataset_id = o.dataset_id AND i.order_id = o.order_id AND i.content = o.content
 CROSS JOIN fact_store s
 WHERE o.dataset_id = ANY({datasets}::int[]) AND o.current
   AND o.ordered_at >= {begin}::timestamptz AND o.ordered_at < {end}::timestamptz
