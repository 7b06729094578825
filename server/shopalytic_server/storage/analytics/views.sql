-- The views of the schema `analytics`, in the order in which they are made. A view only
-- gains columns, at its end: people build on it. Every view keeps to what the session's
-- role may see (`analytics_scope`), and what a person may be known by is NULL for a role
-- without personal data. Robots and the sandbox are left out; `events` alone has robots.
-- A column `…_local` is the time in the project's zone.

-- name: events
SELECT s.project, e.event_id, e.type, e.occurred_at, e.occurred_at AT TIME ZONE s.time_zone AS occurred_local,
       e.received_at, coalesce(e.stated_at, e.occurred_at) AS stated_at,
       coalesce(c.customer_id, e.subject) AS customer_id, c.customer_id IS NOT NULL AS is_known, e.source, e.bot,
       CASE WHEN s.personal_data THEN e.tracking_id END AS tracking_id,
       CASE WHEN s.personal_data THEN e.identity END AS identity,
       CASE WHEN s.personal_data THEN e.properties END AS properties,
       CASE WHEN s.personal_data THEN e.context END AS context
  FROM analytics_scope s
  JOIN events e ON e.dataset_id = s.dataset_id
  LEFT JOIN subject_customers c ON c.dataset_id = e.dataset_id AND c.subject = e.subject

-- name: page_views
SELECT s.project, e.event_id, e.occurred_at AS viewed_at, e.occurred_at AT TIME ZONE s.time_zone AS viewed_local,
       coalesce(c.customer_id, e.subject) AS customer_id, c.customer_id IS NOT NULL AS is_known, e.source,
       split_part(split_part(e.properties ->> 'url', '#', 1), '?', 1) AS page,
       e.properties ->> 'page_type' AS page_type,
       regexp_replace(lower(substring(e.properties ->> 'referrer'
           FROM '^(?:[A-Za-z][A-Za-z0-9+.-]*:)?//(?:[^/?#]*@)?(\[[^]/?#]*\]|[^/?#:]*)')), '^www[.]', '') AS referrer_host,
       coalesce(nullif(e.context ->> 'utm_source', ''), substring(e.properties ->> 'url' FROM '[?&]utm_source=([^&#]*)'))
           AS utm_source,
       coalesce(nullif(e.context ->> 'utm_medium', ''), substring(e.properties ->> 'url' FROM '[?&]utm_medium=([^&#]*)'))
           AS utm_medium,
       coalesce(nullif(e.context ->> 'utm_campaign', ''),
                substring(e.properties ->> 'url' FROM '[?&]utm_campaign=([^&#]*)')) AS utm_campaign,
       CASE WHEN s.personal_data THEN e.properties ->> 'url' END AS url,
       CASE WHEN s.personal_data THEN e.properties ->> 'referrer' END AS referrer
  FROM analytics_scope s
  JOIN events e ON e.dataset_id = s.dataset_id AND e.type = 'page_view' AND NOT e.bot
  LEFT JOIN subject_customers c ON c.dataset_id = e.dataset_id AND c.subject = e.subject

-- A session is a row of page views of one customer, on all devices, with less than
-- half an hour between two; `{session_gap}` is that of the reports.
-- name: sessions
SELECT project, (array_agg(event_id ORDER BY viewed_at, event_id))[1] AS session_id, customer_id,
       bool_or(is_known) AS is_known, min(viewed_at) AS started_at, min(viewed_local) AS started_local,
       max(viewed_at) AS ended_at, count(*) AS page_views,
       (array_agg(page ORDER BY viewed_at, event_id))[1] AS landing_page,
       (array_agg(referrer_host ORDER BY viewed_at, event_id))[1] AS referrer_host,
       (array_agg(utm_source ORDER BY viewed_at, event_id))[1] AS utm_source,
       (array_agg(utm_medium ORDER BY viewed_at, event_id))[1] AS utm_medium,
       (array_agg(utm_campaign ORDER BY viewed_at, event_id))[1] AS utm_campaign
  FROM (
    SELECT b.*, count(*) FILTER (WHERE begins) OVER (
               PARTITION BY project, customer_id ORDER BY viewed_at, event_id ROWS UNBOUNDED PRECEDING) AS number
      FROM (
        SELECT v.*, coalesce(viewed_at - max(viewed_at) OVER (
                   PARTITION BY project, customer_id ORDER BY viewed_at, event_id
                   ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) > {session_gap}, true) AS begins
          FROM analytics.page_views v
      ) AS b
  ) AS n
 GROUP BY project, customer_id, number

-- name: product_views
SELECT s.project, e.event_id, e.occurred_at AS viewed_at, e.occurred_at AT TIME ZONE s.time_zone AS viewed_local,
       coalesce(c.customer_id, e.subject) AS customer_id, c.customer_id IS NOT NULL AS is_known, e.source,
       e.properties ->> 'sku' AS sku, e.properties ->> 'name' AS name,
       coalesce(e.properties ->> 'currency', s.default_currency) AS currency,
       (e.properties ->> 'price')::numeric AS price
  FROM analytics_scope s
  JOIN events e ON e.dataset_id = s.dataset_id AND e.type = 'product_view' AND NOT e.bot
  LEFT JOIN subject_customers c ON c.dataset_id = e.dataset_id AND c.subject = e.subject

-- name: searches
SELECT s.project, e.event_id, e.occurred_at AS searched_at, e.occurred_at AT TIME ZONE s.time_zone AS searched_local,
       coalesce(c.customer_id, e.subject) AS customer_id, c.customer_id IS NOT NULL AS is_known, e.source,
       e.properties ->> 'query' AS query, (e.properties ->> 'results')::numeric AS results
  FROM analytics_scope s
  JOIN events e ON e.dataset_id = s.dataset_id AND e.type = 'search' AND NOT e.bot
  LEFT JOIN subject_customers c ON c.dataset_id = e.dataset_id AND c.subject = e.subject

-- name: orders
SELECT s.project, order_name(o.order_id) AS order_id, o.ordered_at, o.ordered_at AT TIME ZONE s.time_zone AS ordered_local,
       coalesce(c.customer_id, o.subject) AS customer_id, c.customer_id IS NOT NULL AS is_known, o.source,
       o.currency, o.subtotal, o.total_discount, o.total_tax, o.total_shipping, o.total, o.units, o.payment_type,
       o.billing_country, o.shipping_country, o.cart_id, o.event_id
  FROM analytics_scope s
  JOIN order_revisions o ON o.dataset_id = s.dataset_id AND o.current AND NOT o.bot
  LEFT JOIN subject_customers c ON c.dataset_id = o.dataset_id AND c.subject = o.subject

-- name: order_lines
SELECT s.project, order_name(o.order_id) AS order_id, i.line, o.ordered_at, o.ordered_at AT TIME ZONE s.time_zone AS ordered_local,
       coalesce(c.customer_id, o.subject) AS customer_id, o.source, i.sku, p.name, o.currency, i.price,
       coalesce(i.quantity, i.qty)::numeric AS quantity, i.price * coalesce(i.quantity, i.qty) AS amount, i.cost
  FROM analytics_scope s
  JOIN order_revisions o ON o.dataset_id = s.dataset_id AND o.current AND NOT o.bot
  JOIN order_items i ON i.dataset_id = o.dataset_id AND i.order_id = o.order_id AND i.content = o.content
  LEFT JOIN products p ON p.dataset_id = i.dataset_id AND p.sku = i.sku
  LEFT JOIN subject_customers c ON c.dataset_id = o.dataset_id AND c.subject = o.subject

-- A full refund that waits for its order has no amount.
-- name: refunds
SELECT s.project, order_name(f.order_id) AS order_id, f.event_id, f.occurred_at AS refunded_at,
       f.occurred_at AT TIME ZONE s.time_zone AS refunded_local,
       coalesce(c.customer_id, f.subject) AS customer_id, c.customer_id IS NOT NULL AS is_known, f.source,
       f.refund_type, f.currency, f.amount, f.subtotal_refund, f.tax_refund, f.shipping_refund, f.discount_refund,
       f.flag
  FROM analytics_scope s
  JOIN refunds f ON f.dataset_id = s.dataset_id AND NOT f.bot
  LEFT JOIN subject_customers c ON c.dataset_id = f.dataset_id AND c.subject = f.subject

-- name: customers
SELECT s.project, k.customer_id, o.orders, o.first_order_at, o.last_order_at, k.join_date AS joined_at,
       CASE WHEN s.personal_data THEN k.identities END AS identities,
       CASE WHEN s.personal_data THEN k.email END AS email,
       CASE WHEN s.personal_data THEN k.first_name END AS first_name,
       CASE WHEN s.personal_data THEN k.last_name END AS last_name
  FROM analytics_scope s
  JOIN customers k ON k.dataset_id = s.dataset_id
 CROSS JOIN LATERAL (
    SELECT count(*) AS orders, min(r.ordered_at) AS first_order_at, max(r.ordered_at) AS last_order_at
      FROM subject_customers c
      JOIN order_revisions r ON r.dataset_id = c.dataset_id AND r.subject = c.subject AND r.current AND NOT r.bot
     WHERE c.dataset_id = k.dataset_id AND c.customer_id = k.customer_id
  ) AS o

-- The tracking ids that calls of identify gave to customers.
-- name: devices
SELECT s.project, l.subject AS device_id, i.customer_id, l.occurred_at AS linked_at,
       l.occurred_at AT TIME ZONE s.time_zone AS linked_local,
       CASE WHEN s.personal_data THEN l.tracking_id END AS tracking_id
  FROM analytics_scope s
  JOIN tracking_links l ON l.dataset_id = s.dataset_id AND l.owner
  JOIN identities i ON i.dataset_id = l.dataset_id AND i.identity = l.identity

-- What lies in each cart by its latest changes; `value` is absent where a price is not known.
-- name: carts
SELECT s.project, k.cart_id, coalesce(c.customer_id, k.subject) AS customer_id, c.customer_id IS NOT NULL AS is_known,
       k.source, k.created_at, k.created_at AT TIME ZONE s.time_zone AS created_local, k.changed_at,
       l.currency, l.units, l.value,
       EXISTS (SELECT 1 FROM order_revisions o
                WHERE o.dataset_id = k.dataset_id AND o.cart_id = k.cart_id AND o.current AND NOT o.bot) AS is_ordered
  FROM analytics_scope s
  JOIN carts k ON k.dataset_id = s.dataset_id
  LEFT JOIN (
    SELECT dataset_id, cart_id, (array_agg(currency ORDER BY changed_at DESC) FILTER (WHERE quantity > 0))[1] AS currency,
           sum(quantity) FILTER (WHERE quantity > 0) AS units,
           CASE WHEN count(*) FILTER (WHERE quantity > 0 AND price IS NULL) = 0
                THEN sum(price * quantity) FILTER (WHERE quantity > 0) END AS value
      FROM cart_lines
     GROUP BY dataset_id, cart_id
  ) AS l ON l.dataset_id = k.dataset_id AND l.cart_id = k.cart_id
  LEFT JOIN subject_customers c ON c.dataset_id = k.dataset_id AND c.subject = k.subject
 WHERE NOT (SELECT r.bot
              FROM cart_changes r
             WHERE r.dataset_id = k.dataset_id AND r.cart_id = k.cart_id
             ORDER BY date_trunc('second', r.modified_at, 'UTC'), NOT r.added, r.modified_at, tie_order(r.tie_breaker), r.event_id
             LIMIT 1)

-- name: shipments
SELECT s.project, order_name(p.shipment_id) AS shipment_id, order_name(p.order_id) AS order_id, p.carrier, p.date_shipped,
       p.date_shipped AT TIME ZONE s.time_zone AS shipped_local, p.date_delivered,
       p.date_delivered AT TIME ZONE s.time_zone AS delivered_local,
       CASE WHEN s.personal_data THEN p.tracking_number END AS tracking_number
  FROM analytics_scope s
  JOIN shipments p ON p.dataset_id = s.dataset_id
 WHERE NOT (SELECT r.bot
              FROM shipment_changes r
             WHERE r.dataset_id = p.dataset_id AND r.shipment_id = p.shipment_id
             ORDER BY parcel_position(r.carrier, r.occurred_at), tie_order(r.tie_breaker), r.event_id
             LIMIT 1)
