-- The places of orders that a version before them stored are read from their events.
-- name: rows
SELECT o.dataset_id AS dataset, fact_key(s.secret, o.dataset_id, uuid_send(o.subject)) AS subject,
       o.occurred_at AT TIME ZONE 'UTC' AS occurred_at,
       event_position('order', NULL, o.occurred_at) AS position, tie_order(o.tie_breaker) AS tie_breaker,
       o.event_id,
       o.source, o.bot, fact_key(s.secret, o.dataset_id, convert_to(o.order_id, 'UTF8')) AS order_key,
       fact_key(s.secret, o.dataset_id, convert_to(o.cart_id, 'UTF8')) AS cart,
       o.ordered_at AT TIME ZONE 'UTC' AS ordered_at, o.currency, o.total, o.subtotal, o.total_tax,
       o.total_shipping, o.total_discount, o.units, coalesce(o.quantity, o.units) AS quantity, o.payment_type,
       coalesce(o.shipping_country, o.billing_country) AS country,
       CASE WHEN o.discounts IS NULL THEN (
           SELECT coalesce(nullif(e.properties #>> '{{shipping,state}}', ''),
                           nullif(e.properties #>> '{{billing,state}}', ''))
             FROM events e
            WHERE e.dataset_id = o.dataset_id AND e.subject = o.subject AND e.occurred_at = o.occurred_at
              AND e.event_id = o.event_id) ELSE o.region END AS region,
       CASE WHEN o.discounts IS NULL THEN (
           SELECT coalesce(nullif(e.properties #>> '{{shipping,city}}', ''),
                           nullif(e.properties #>> '{{billing,city}}', ''))
             FROM events e
            WHERE e.dataset_id = o.dataset_id AND e.subject = o.subject AND e.occurred_at = o.occurred_at
              AND e.event_id = o.event_id) ELSE o.city END AS city
  FROM order_revisions o
 CROSS JOIN fact_store s
 WHERE o.dataset_id = ANY({datasets}::int[]) AND o.current
   AND o.ordered_at >= {begin}::timestamptz AND o.ordered_at < {end}::timestamptz

-- on citus: rows
WITH placed AS MATERIALIZED (
    SELECT e.dataset_id, e.event_id, e.properties
      FROM order_revisions o
      JOIN events e ON e.dataset_id = o.dataset_id AND e.subject = o.subject AND e.occurred_at = o.occurred_at
       AND e.event_id = o.event_id
     WHERE o.dataset_id = ANY({datasets}::int[]) AND o.current AND o.discounts IS NULL
       AND o.ordered_at >= {begin}::timestamptz AND o.ordered_at < {end}::timestamptz
)
SELECT o.dataset_id AS dataset, fact_key(s.secret, o.dataset_id, uuid_send(o.subject)) AS subject,
       o.occurred_at AT TIME ZONE 'UTC' AS occurred_at,
       event_position('order', NULL, o.occurred_at) AS position, tie_order(o.tie_breaker) AS tie_breaker,
       o.event_id,
       o.source, o.bot, fact_key(s.secret, o.dataset_id, convert_to(o.order_id, 'UTF8')) AS order_key,
       fact_key(s.secret, o.dataset_id, convert_to(o.cart_id, 'UTF8')) AS cart,
       o.ordered_at AT TIME ZONE 'UTC' AS ordered_at, o.currency, o.total, o.subtotal, o.total_tax,
       o.total_shipping, o.total_discount, o.units, coalesce(o.quantity, o.units) AS quantity, o.payment_type,
       coalesce(o.shipping_country, o.billing_country) AS country,
       CASE WHEN o.discounts IS NULL THEN
           coalesce(nullif(e.properties #>> '{{shipping,state}}', ''),
                           nullif(e.properties #>> '{{billing,state}}', ''))
       ELSE o.region END AS region,
       CASE WHEN o.discounts IS NULL THEN
           coalesce(nullif(e.properties #>> '{{shipping,city}}', ''),
                           nullif(e.properties #>> '{{billing,city}}', ''))
       ELSE o.city END AS city
  FROM order_revisions o
 CROSS JOIN fact_store s
  LEFT JOIN placed e ON o.discounts IS NULL AND e.dataset_id = o.dataset_id AND e.event_id = o.event_id
 WHERE o.dataset_id = ANY({datasets}::int[]) AND o.current
   AND o.ordered_at >= {begin}::timestamptz AND o.ordered_at < {end}::timestamptz
