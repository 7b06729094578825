-- Giving stored events a smaller tie breaker. Arrays are parallel.

-- Which of some events are stored, and under which counted time: that of the copy
-- that came first, so that it is looked for where this one would be, and where it
-- is not, under all times of its subject.
-- name: stored
SELECT c.event_id, e.occurred_at, e.received_at, e.tie_breaker
  FROM unnest(%(subjects)s::uuid[], %(times)s::timestamptz[], %(event_ids)s::uuid[])
       AS c (subject, occurred_at, event_id)
  JOIN events e ON e.dataset_id = %(dataset)s AND e.subject = c.subject AND e.occurred_at = c.occurred_at
               AND e.event_id = c.event_id

-- name: stored_at_other_times
SELECT c.event_id, e.occurred_at, e.received_at, e.tie_breaker
  FROM unnest(%(subjects)s::uuid[], %(event_ids)s::uuid[]) AS c (subject, event_id)
  JOIN events e ON e.dataset_id = %(dataset)s AND e.subject = c.subject AND e.event_id = c.event_id

-- name: events
UPDATE events e SET tie_breaker = c.tie_breaker
  FROM unnest(%(subjects)s::uuid[], %(times)s::timestamptz[], %(event_ids)s::uuid[], %(tie_breakers)s::bigint[])
       AS c (subject, occurred_at, event_id, tie_breaker)
 WHERE e.dataset_id = %(dataset)s AND e.subject = c.subject AND e.occurred_at = c.occurred_at
   AND e.event_id = c.event_id

-- name: profile_changes
UPDATE profile_changes p SET tie_breaker = c.tie_breaker
  FROM unnest(%(subjects)s::uuid[], %(times)s::timestamptz[], %(event_ids)s::uuid[], %(tie_breakers)s::bigint[])
       AS c (subject, occurred_at, event_id, tie_breaker)
 WHERE p.dataset_id = %(dataset)s AND p.subject = c.subject AND p.occurred_at = c.occurred_at
   AND p.event_id = c.event_id

-- name: cart_changes
UPDATE cart_changes r SET tie_breaker = c.tie_breaker
  FROM unnest(%(cart_ids)s::text[], %(times)s::timestamptz[], %(event_ids)s::uuid[], %(tie_breakers)s::bigint[])
       AS c (cart_id, occurred_at, event_id, tie_breaker)
 WHERE r.dataset_id = %(dataset)s AND r.cart_id = c.cart_id AND r.occurred_at = c.occurred_at
   AND r.event_id = c.event_id

-- name: order_revisions
UPDATE order_revisions r SET tie_breaker = c.tie_breaker
  FROM unnest(%(order_ids)s::text[], %(event_ids)s::uuid[], %(tie_breakers)s::bigint[])
       AS c (order_id, event_id, tie_breaker)
 WHERE r.dataset_id = %(dataset)s AND r.order_id = c.order_id AND r.event_id = c.event_id

-- name: order_times
SELECT occurred_at, ordered_at FROM order_revisions
 WHERE dataset_id = %(dataset)s AND order_id = ANY(%(order_ids)s::text[])
 UNION ALL
SELECT occurred_at, occurred_at FROM order_statements
 WHERE dataset_id = %(dataset)s AND order_id = ANY(%(order_ids)s::text[])

-- name: order_statements
UPDATE order_statements s SET tie_breaker = c.tie_breaker
  FROM unnest(%(order_ids)s::text[], %(event_ids)s::uuid[], %(tie_breakers)s::bigint[])
       AS c (order_id, event_id, tie_breaker)
 WHERE s.dataset_id = %(dataset)s AND s.order_id = c.order_id AND s.event_id = c.event_id

-- name: refunds
UPDATE refunds r SET tie_breaker = c.tie_breaker
  FROM unnest(%(order_ids)s::text[], %(event_ids)s::uuid[], %(tie_breakers)s::bigint[])
       AS c (order_id, event_id, tie_breaker)
 WHERE r.dataset_id = %(dataset)s AND r.order_id = c.order_id AND r.event_id = c.event_id

-- name: shipment_changes
UPDATE shipment_changes r SET tie_breaker = c.tie_breaker
  FROM unnest(%(shipment_ids)s::text[], %(times)s::timestamptz[], %(event_ids)s::uuid[], %(tie_breakers)s::bigint[])
       AS c (shipment_id, occurred_at, event_id, tie_breaker)
 WHERE r.dataset_id = %(dataset)s AND r.shipment_id = c.shipment_id AND r.occurred_at = c.occurred_at
   AND r.event_id = c.event_id

-- A view that was the last one of its product may have another one after it now, of
-- the same moment.
-- name: last_views
SELECT won.sku, last.properties ->> 'name', (last.properties ->> 'price')::numeric,
       coalesce(last.properties ->> 'currency', %(currency)s::text), last.tie_breaker, last.event_id
  FROM products won
 CROSS JOIN LATERAL (
    SELECT e.properties, e.tie_breaker, e.event_id
      FROM events e
     WHERE e.dataset_id = won.dataset_id AND e.type = 'product_view' AND e.occurred_at = won.seen_at
       AND e.properties ->> 'sku' = won.sku
     ORDER BY e.tie_breaker DESC, e.event_id DESC
     LIMIT 1
  ) AS last
 WHERE won.dataset_id = %(dataset)s AND won.sku = ANY(%(skus)s::text[])
   AND won.seen_event_id = ANY(%(event_ids)s::uuid[])

-- on citus: last_views
SELECT DISTINCT ON (won.sku) won.sku, e.properties ->> 'name', (e.properties ->> 'price')::numeric,
       coalesce(e.properties ->> 'currency', %(currency)s::text), e.tie_breaker, e.event_id
  FROM products won
  JOIN events e ON e.dataset_id = won.dataset_id AND e.type = 'product_view' AND e.occurred_at = won.seen_at
   AND e.properties ->> 'sku' = won.sku
 WHERE won.dataset_id = %(dataset)s AND won.sku = ANY(%(skus)s::text[])
   AND won.seen_event_id = ANY(%(event_ids)s::uuid[])
 ORDER BY won.sku, e.tie_breaker DESC, e.event_id DESC

-- name: products
UPDATE products p
   SET name = last.name, price = last.price, currency = last.currency, seen_tie_breaker = last.tie_breaker,
       seen_event_id = last.event_id
  FROM unnest(%(skus)s::text[], %(names)s::text[], %(prices)s::numeric[], %(currencies)s::text[],
              %(tie_breakers)s::bigint[], %(event_ids)s::uuid[])
       AS last (sku, name, price, currency, tie_breaker, event_id)
 WHERE p.dataset_id = %(dataset)s AND p.sku = last.sku

-- name: last_categories
SELECT won.sku, (last.properties -> 'categories')::text, last.tie_breaker, last.event_id
  FROM products won
 CROSS JOIN LATERAL (
    SELECT e.properties, e.tie_breaker, e.event_id
      FROM events e
     WHERE e.dataset_id = won.dataset_id AND e.type = 'product_view' AND e.occurred_at = won.categories_at
       AND e.properties ->> 'sku' = won.sku AND e.properties -> 'categories' <> '[]'
     ORDER BY e.tie_breaker DESC, e.event_id DESC
     LIMIT 1
  ) AS last
 WHERE won.dataset_id = %(dataset)s AND won.sku = ANY(%(skus)s::text[])
   AND won.categories_event_id = ANY(%(event_ids)s::uuid[])

-- on citus: last_categories
SELECT DISTINCT ON (won.sku) won.sku, (e.properties -> 'categories')::text, e.tie_breaker, e.event_id
  FROM products won
  JOIN events e ON e.dataset_id = won.dataset_id AND e.type = 'product_view' AND e.occurred_at = won.categories_at
   AND e.properties ->> 'sku' = won.sku AND e.properties -> 'categories' <> '[]'
 WHERE won.dataset_id = %(dataset)s AND won.sku = ANY(%(skus)s::text[])
   AND won.categories_event_id = ANY(%(event_ids)s::uuid[])
 ORDER BY won.sku, e.tie_breaker DESC, e.event_id DESC

-- name: product_categories
WITH last AS MATERIALIZED (
    SELECT sku, ARRAY(SELECT jsonb_array_elements_text(categories)) AS categories, tie_breaker, event_id
      FROM unnest(%(skus)s::text[], %(categories)s::text[]::jsonb[], %(tie_breakers)s::bigint[], %(event_ids)s::uuid[])
           AS given (sku, categories, tie_breaker, event_id)
)
UPDATE products p
   SET categories = last.categories, categories_tie_breaker = last.tie_breaker, categories_event_id = last.event_id
  FROM last
 WHERE p.dataset_id = %(dataset)s AND p.sku = last.sku
