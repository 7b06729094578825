-- The codes that took something off an order.
-- name: rows
SELECT o.dataset_id AS dataset, fact_key(s.secret, o.dataset_id, convert_to(o.order_id, 'UTF8')) AS order_key,
       o.ordered_at AT TIME ZONE 'UTC' AS ordered_at, o.source, o.bot, o.currency, given.discount ->> 'code' AS coupon,
       (given.discount ->> 'value')::numeric AS value
  FROM order_revisions o
 CROSS JOIN fact_store s
 CROSS JOIN LATERAL jsonb_array_elements(coalesce(o.discounts, (
           SELECT e.properties -> 'discounts'
             FROM events e
            WHERE e.dataset_id = o.dataset_id AND e.subject = o.subject AND e.occurred_at = o.occurred_at
              AND e.event_id = o.event_id), '[]')) AS given (discount)
 WHERE o.dataset_id = ANY({datasets}::int[]) AND o.current
   AND o.ordered_at >= {begin}::timestamptz AND o.ordered_at < {end}::timestamptz

-- on citus: rows
WITH placed AS MATERIALIZED (
    SELECT e.dataset_id, e.event_id, e.properties -> 'discounts' AS discounts
      FROM order_revisions o
      JOIN events e ON e.dataset_id = o.dataset_id AND e.subject = o.subject AND e.occurred_at = o.occurred_at
       AND e.event_id = o.event_id
     WHERE o.dataset_id = ANY({datasets}::int[]) AND o.current AND o.discounts IS NULL
       AND o.ordered_at >= {begin}::timestamptz AND o.ordered_at < {end}::timestamptz
)
SELECT o.dataset_id AS dataset, fact_key(s.secret, o.dataset_id, convert_to(o.order_id, 'UTF8')) AS order_key,
       o.ordered_at AT TIME ZONE 'UTC' AS ordered_at, o.source, o.bot, o.currency, given.discount ->> 'code' AS coupon,
       (given.discount ->> 'value')::numeric AS value
  FROM order_revisions o
 CROSS JOIN fact_store s
  LEFT JOIN placed e ON e.dataset_id = o.dataset_id AND e.event_id = o.event_id
 CROSS JOIN LATERAL jsonb_array_elements(coalesce(o.discounts, e.discounts, '[]')) AS given (discount)
 WHERE o.dataset_id = ANY({datasets}::int[]) AND o.current
   AND o.ordered_at >= {begin}::timestamptz AND o.ordered_at < {end}::timestamptz
