-- One customer in full: every statement goes by the customer's subjects, index
-- access by index access.

-- The last ones, also those that count no more.
-- name: orders
SELECT o.*, sum(o.lines) OVER newest - o.lines AS lines_before,
       coalesce(s.status, '') AS status, coalesce(s.email, '') AS email,
       coalesce(s.first_name, '') AS first_name, coalesce(s.last_name, '') AS last_name
  FROM (
    SELECT o.order_id, o.content, o.ordered_at, o.currency, o.total,
           (SELECT count(*) - 1 FROM order_revisions r
             WHERE r.dataset_id = o.dataset_id AND r.order_id = o.order_id) AS revisions,
           (SELECT count(*) FROM order_items i
             WHERE i.dataset_id = o.dataset_id AND i.order_id = o.order_id AND i.content = o.content) AS lines
      FROM (
        (SELECT * FROM order_revisions
          WHERE dataset_id = %(dataset)s AND subject = ANY(%(subjects)s::uuid[]) AND current
            AND (ordered_at, order_id COLLATE "C") < (%(before_at)s::timestamptz, %(before_id)s::text)
          ORDER BY ordered_at DESC, order_id COLLATE "C" DESC
          LIMIT %(limit)s)
         UNION ALL
        (SELECT * FROM order_revisions
          WHERE dataset_id = %(dataset)s AND subject = ANY(%(subjects)s::uuid[]) AND voided
            AND (ordered_at, order_id COLLATE "C") < (%(before_at)s::timestamptz, %(before_id)s::text)
          ORDER BY ordered_at DESC, order_id COLLATE "C" DESC
          LIMIT %(limit)s)
      ) AS o
     ORDER BY o.ordered_at DESC, o.order_id COLLATE "C" DESC
     LIMIT %(limit)s
  ) AS o
  LEFT JOIN LATERAL (SELECT * FROM order_states s
                      WHERE s.dataset_id = %(dataset)s AND s.order_id = o.order_id) AS s ON true
WINDOW newest AS (ORDER BY o.ordered_at DESC, o.order_id COLLATE "C" DESC)
 ORDER BY o.ordered_at DESC, o.order_id COLLATE "C" DESC

-- name: number_of_orders
SELECT count(*) AS orders
  FROM order_revisions o
 WHERE o.dataset_id = %(dataset)s AND o.subject = ANY(%(subjects)s::uuid[]) AND (o.current OR o.voided)

-- name: lines
SELECT i.order_id, i.sku, coalesce(p.name, '') AS name, i.price, i.qty, coalesce(i.quantity, i.qty) AS quantity
  FROM unnest(%(order_ids)s::text[], %(contents)s::uuid[]) AS wanted (order_id, content)
  JOIN order_items i ON i.dataset_id = %(dataset)s AND i.order_id = wanted.order_id
                    AND i.content = wanted.content
  LEFT JOIN products p ON p.dataset_id = i.dataset_id AND p.sku = i.sku
 ORDER BY i.order_id, i.line

-- name: refunds
SELECT order_id, occurred_at, refund_type, coalesce(amount, 0) AS amount, currency, coalesce(flag, '') AS flag
  FROM refunds
 WHERE dataset_id = %(dataset)s AND order_id = ANY(%(order_ids)s::text[]) AND (amount IS NOT NULL OR flag IS NOT NULL)
 ORDER BY order_id, refund_position(refund_type, occurred_at), tie_breaker, event_id

-- name: parcels
SELECT order_id, shipment_id, carrier, tracking_number, date_shipped, date_delivered
  FROM shipments
 WHERE dataset_id = %(dataset)s
   AND shipment_id = ANY(ARRAY(SELECT c.shipment_id FROM shipment_changes c
                                WHERE c.dataset_id = %(dataset)s AND c.order_id = ANY(%(order_ids)s::text[])))
 ORDER BY order_id, date_shipped NULLS LAST, shipment_id

-- Page views, newest first, from a position on.
-- name: views
SELECT e.occurred_at, tie_order(e.tie_breaker) AS tie, e.event_id, e.properties ->> 'url' AS url, e.properties ->> 'referrer' AS referrer, e.context
  FROM unnest(%(subjects)s::uuid[]) AS m (subject)
 CROSS JOIN LATERAL (
    SELECT * FROM events e
     WHERE e.dataset_id = %(dataset)s AND e.subject = m.subject AND e.type = 'page_view' AND NOT e.bot
       AND e.occurred_at <= %(before_at)s::timestamptz
       AND (e.occurred_at, tie_order(e.tie_breaker), e.event_id)
           < (%(before_at)s::timestamptz, %(before_tie)s::bigint, %(before_id)s::uuid)
     ORDER BY e.occurred_at DESC, e.tie_breaker DESC, e.event_id DESC
     LIMIT %(limit)s
  ) AS e
 ORDER BY e.occurred_at DESC, e.tie_breaker DESC, e.event_id DESC
 LIMIT %(limit)s

-- on citus: views
SELECT e.occurred_at, tie_order(e.tie_breaker) AS tie, e.event_id, e.properties ->> 'url' AS url, e.properties ->> 'referrer' AS referrer, e.context
  FROM events e
 WHERE e.dataset_id = %(dataset)s AND e.subject = ANY(%(subjects)s::uuid[]) AND e.type = 'page_view' AND NOT e.bot
   AND e.occurred_at <= %(before_at)s::timestamptz
   AND (e.occurred_at, tie_order(e.tie_breaker), e.event_id)
       < (%(before_at)s::timestamptz, %(before_tie)s::bigint, %(before_id)s::uuid)
 ORDER BY e.occurred_at DESC, e.tie_breaker DESC, e.event_id DESC
 LIMIT %(limit)s

-- name: first_view
SELECT e.occurred_at, tie_order(e.tie_breaker) AS tie, e.event_id, e.properties ->> 'url' AS url, e.properties ->> 'referrer' AS referrer, e.context
  FROM unnest(%(subjects)s::uuid[]) AS m (subject)
 CROSS JOIN LATERAL (
    SELECT * FROM events e
     WHERE e.dataset_id = %(dataset)s AND e.subject = m.subject AND e.type = 'page_view' AND NOT e.bot
     ORDER BY e.occurred_at, e.tie_breaker, e.event_id
     LIMIT 1
  ) AS e
 ORDER BY e.occurred_at, e.tie_breaker, e.event_id
 LIMIT 1

-- on citus: first_view
SELECT e.occurred_at, tie_order(e.tie_breaker) AS tie, e.event_id, e.properties ->> 'url' AS url, e.properties ->> 'referrer' AS referrer, e.context
  FROM events e
 WHERE e.dataset_id = %(dataset)s AND e.subject = ANY(%(subjects)s::uuid[]) AND e.type = 'page_view' AND NOT e.bot
 ORDER BY e.occurred_at, e.tie_breaker, e.event_id
 LIMIT 1

-- A device's events are its own ones without an identity, and those of the
-- customer's identities that name it. Calls of identify and alias count through
-- the facts that they stated.
-- name: devices
SELECT d.tracking_id, first.at AS first_seen, last.at AS last_seen, agent.user_agent
  FROM unnest(%(tracking_ids)s::text[]) AS d (tracking_id)
 CROSS JOIN LATERAL (
    SELECT min(e.occurred_at) AS at
      FROM unnest(%(subjects)s::uuid[]) AS m (subject)
     CROSS JOIN LATERAL (
        SELECT e.occurred_at FROM events e
         WHERE e.dataset_id = %(dataset)s AND e.subject = m.subject AND e.tracking_id = d.tracking_id
           AND e.type NOT IN ('identify', 'alias')
         ORDER BY e.occurred_at
         LIMIT 1
      ) AS e
  ) AS first
 CROSS JOIN LATERAL (
    SELECT max(e.occurred_at) AS at
      FROM unnest(%(subjects)s::uuid[]) AS m (subject)
     CROSS JOIN LATERAL (
        SELECT e.occurred_at FROM events e
         WHERE e.dataset_id = %(dataset)s AND e.subject = m.subject AND e.tracking_id = d.tracking_id
           AND e.type NOT IN ('identify', 'alias')
         ORDER BY e.occurred_at DESC
         LIMIT 1
      ) AS e
  ) AS last
  LEFT JOIN LATERAL (
    SELECT e.user_agent
      FROM unnest(%(subjects)s::uuid[]) AS m (subject)
     CROSS JOIN LATERAL (
        SELECT e.occurred_at, e.tie_breaker, e.event_id, e.context ->> 'user_agent' AS user_agent
          FROM events e
         WHERE e.dataset_id = %(dataset)s AND e.subject = m.subject AND e.tracking_id = d.tracking_id
           AND e.context ->> 'user_agent' <> ''
         ORDER BY e.occurred_at DESC, e.tie_breaker DESC, e.event_id DESC
         LIMIT 1
      ) AS e
     ORDER BY e.occurred_at DESC, e.tie_breaker DESC, e.event_id DESC
     LIMIT 1
  ) AS agent ON true

-- on citus: devices
WITH own AS MATERIALIZED (
    SELECT tracking_id,
           min(occurred_at) FILTER (WHERE type NOT IN ('identify', 'alias')) AS first_seen,
           max(occurred_at) FILTER (WHERE type NOT IN ('identify', 'alias')) AS last_seen,
           (array_agg(context ->> 'user_agent' ORDER BY occurred_at DESC, tie_breaker DESC, event_id DESC)
               FILTER (WHERE context ->> 'user_agent' <> ''))[1] AS user_agent
      FROM events
     WHERE dataset_id = %(dataset)s AND subject = ANY(%(subjects)s::uuid[])
       AND tracking_id = ANY(%(tracking_ids)s::text[])
     GROUP BY tracking_id
)
SELECT d.tracking_id, own.first_seen, own.last_seen, own.user_agent
  FROM unnest(%(tracking_ids)s::text[]) AS d (tracking_id)
  LEFT JOIN own ON own.tracking_id = d.tracking_id

-- Four values that cut those who ordered into fifths, by each measure: the k-th
-- is the largest of the lowest k fifths.
-- name: quintiles
WITH owned AS (
    SELECT coalesce(named.customer_id, owner.customer_id, o.subject) AS customer_id, o.order_id, o.ordered_at,
           CASE WHEN o.currency = %(currency)s::text THEN o.total ELSE 0 END AS amount
      FROM order_revisions o
      LEFT JOIN identities named ON named.dataset_id = o.dataset_id AND named.subject = o.subject
      LEFT JOIN tracking_links l ON l.dataset_id = o.dataset_id AND l.subject = o.subject AND l.owner
      LEFT JOIN identities owner ON owner.dataset_id = l.dataset_id AND owner.identity = l.identity
     WHERE o.dataset_id = %(dataset)s AND o.current
), refunded AS (
    SELECT customer_id, sum(amount) AS amount
      FROM (
        SELECT o.customer_id, f.amount
          FROM refunds f
          JOIN owned o ON o.order_id = f.order_id
         WHERE f.dataset_id = %(dataset)s AND f.currency = %(currency)s::text
         UNION ALL
        SELECT coalesce(named.customer_id, owner.customer_id, f.subject), f.amount
          FROM refunds f
          LEFT JOIN identities named ON named.dataset_id = f.dataset_id AND named.subject = f.subject
          LEFT JOIN tracking_links l ON l.dataset_id = f.dataset_id AND l.subject = f.subject AND l.owner
          LEFT JOIN identities owner ON owner.dataset_id = l.dataset_id AND owner.identity = l.identity
         WHERE f.dataset_id = %(dataset)s AND f.currency = %(currency)s::text
           AND NOT EXISTS (SELECT 1 FROM owned o WHERE o.order_id = f.order_id)
      ) AS each
     GROUP BY customer_id
), measured AS (
    SELECT max(o.ordered_at) AS last_at, count(*) AS orders, sum(o.amount) - coalesce(min(r.amount), 0) AS net
      FROM owned o
      LEFT JOIN refunded r ON r.customer_id = o.customer_id
     GROUP BY o.customer_id
), sorted AS (
    SELECT count(*)::int AS n, array_agg(last_at ORDER BY last_at) AS last_at,
           array_agg(orders ORDER BY orders) AS orders, array_agg(net ORDER BY net) AS net
      FROM measured
)
SELECT s.last_at[(k * n + 4) / 5] AS last_at, s.orders[(k * n + 4) / 5] AS orders, s.net[(k * n + 4) / 5] AS net
  FROM sorted s
 CROSS JOIN generate_series(1, 4) AS k
 WHERE n > 0
 ORDER BY k
