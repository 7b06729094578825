-- The statements of the ingest transaction. Each works on a whole group of
-- events; arrays are parallel.

-- name: find_event_ids
SELECT event_id, fingerprint FROM event_keys
 WHERE dataset_id = %(dataset)s AND event_id = ANY(%(event_ids)s)

-- No conflict clause: it doubles what an id costs, and ids that were there are known by now.
-- Tells in passing whether anybody was erased. Its lock on the table, taken before
-- it looks, is the one that an erasure excludes until it commits.
-- name: claim_event_ids
WITH claimed AS (
    INSERT INTO event_keys (dataset_id, event_id, fingerprint)
    SELECT %(dataset)s, * FROM unnest(%(event_ids)s::uuid[], %(fingerprints)s::uuid[])
)
SELECT EXISTS (SELECT 1 FROM tombstones)

-- What was claimed by content that may not be recognised.
-- name: replace_fingerprints
UPDATE event_keys k SET fingerprint = late.fingerprint
  FROM unnest(%(event_ids)s::uuid[], %(fingerprints)s::uuid[]) AS late (event_id, fingerprint)
 WHERE k.dataset_id = %(dataset)s AND k.event_id = late.event_id

-- name: incoming_types
SELECT 'incoming_event_v4'::regtype::oid, 'identify_call_v1'::regtype::oid

-- name: store_group
SELECT * FROM store_group_v2(%(dataset)s::int, %(currency)s::text, %(ids)s::uuid[], %(fingerprints)s::uuid[],
                             %(incoming)s::incoming_event_v4[], %(identifies)s::incoming_event_v4[],
                             %(calls)s::identify_call_v1[], %(orders)s::incoming_event_v4[], %(contents)s::uuid[],
                             %(marks)s::uuid[], %(look)s, %(others)s, %(identities)s, %(products)s, %(carts)s)

-- For Citus, which takes no subquery with a LIMIT for each of some keys.
-- name: store_group_on_citus
SELECT * FROM store_group_v1(%(dataset)s::int, %(currency)s::text, %(incoming)s::incoming_event_v4[],
                             %(identifies)s::incoming_event_v4[], %(calls)s::identify_call_v1[],
                             %(orders)s::incoming_event_v4[], %(contents)s::uuid[],
                             %(other_ids)s::uuid[], %(other_fingerprints)s::uuid[], %(marks)s::uuid[], %(look)s,
                             %(identities)s, %(products)s, %(carts)s)

-- name: release_event_ids
DELETE FROM event_keys k
 USING unnest(%(datasets)s::int[], %(event_ids)s::uuid[]) AS refused (dataset_id, event_id)
 WHERE k.dataset_id = refused.dataset_id AND k.event_id = refused.event_id

-- name: lock_dataset
SELECT pg_advisory_xact_lock(hashtext('shopalytic.decisions'), %(dataset)s)

-- name: hold_identities
SELECT pg_advisory_xact_lock_shared(hashtext('shopalytic.identities'), dataset)
  FROM unnest(%(datasets)s::int[]) AS dataset

-- name: lock_identities
SELECT pg_advisory_xact_lock(hashtext('shopalytic.identities'), %(dataset)s)

-- name: delete_event
DELETE FROM events
 WHERE dataset_id = %(dataset)s AND subject = %(subject)s
   AND occurred_at = %(occurred_at)s AND event_id = %(event_id)s

-- name: note_identities
INSERT INTO identities (dataset_id, identity, subject, customer_id, first_at)
SELECT seen.dataset_id, seen.identity, seen.subject, seen.subject, seen.first_at
  FROM unnest(%(datasets)s::int[], %(identities)s::text[], %(subjects)s::uuid[], %(first_at)s::timestamptz[])
       AS seen (dataset_id, identity, subject, first_at)
 -- The conflict clause alone would lock, and so write, each row that is known.
 WHERE NOT EXISTS (SELECT 1 FROM identities i
                    WHERE i.dataset_id = seen.dataset_id AND i.identity = seen.identity
                      AND i.first_at <= seen.first_at)
 ORDER BY seen.dataset_id, seen.identity
    ON CONFLICT (dataset_id, identity) DO UPDATE SET first_at = excluded.first_at
 WHERE excluded.first_at < identities.first_at

-- name: upsert_products
INSERT INTO products (dataset_id, sku, name, price, currency, seen_at, seen_tie_breaker, seen_event_id)
SELECT * FROM unnest(%(datasets)s::int[], %(skus)s::text[], %(names)s::text[], %(prices)s::text[]::numeric[],
                     %(currencies)s::text[], %(times)s::timestamptz[], %(tie_breakers)s::bigint[],
                     %(event_ids)s::uuid[])
              AS seen (dataset_id, sku, name, price, currency, seen_at, seen_tie_breaker, seen_event_id)
 ORDER BY dataset_id, sku
    ON CONFLICT (dataset_id, sku) DO UPDATE
   SET name = excluded.name, price = excluded.price, currency = excluded.currency,
       seen_at = excluded.seen_at, seen_tie_breaker = excluded.seen_tie_breaker,
       seen_event_id = excluded.seen_event_id
 WHERE (excluded.seen_at, tie_order(excluded.seen_tie_breaker), excluded.seen_event_id)
       > (products.seen_at, tie_order(products.seen_tie_breaker), products.seen_event_id)

-- name: update_product_categories
UPDATE products p
   SET categories = seen.categories::text[], categories_at = seen.at, categories_tie_breaker = seen.tie_breaker,
       categories_event_id = seen.event_id
  FROM unnest(%(datasets)s::int[], %(skus)s::text[], %(categories)s::text[], %(times)s::timestamptz[],
              %(tie_breakers)s::bigint[], %(event_ids)s::uuid[])
       AS seen (dataset_id, sku, categories, at, tie_breaker, event_id)
 WHERE p.dataset_id = seen.dataset_id AND p.sku = seen.sku
   AND (p.categories_at IS NULL
        OR (seen.at, tie_order(seen.tie_breaker), seen.event_id)
           > (p.categories_at, tie_order(p.categories_tie_breaker), p.categories_event_id))

-- on citus: update_product_categories
WITH seen AS MATERIALIZED (
    SELECT dataset_id, sku, categories::text[] AS categories, at, tie_breaker, event_id
      FROM unnest(%(datasets)s::int[], %(skus)s::text[], %(categories)s::text[], %(times)s::timestamptz[],
                  %(tie_breakers)s::bigint[], %(event_ids)s::uuid[])
           AS given (dataset_id, sku, categories, at, tie_breaker, event_id)
)
UPDATE products p
   SET categories = seen.categories, categories_at = seen.at, categories_tie_breaker = seen.tie_breaker,
       categories_event_id = seen.event_id
  FROM seen
 WHERE p.dataset_id = seen.dataset_id AND p.sku = seen.sku
   AND (p.categories_at IS NULL
        OR (seen.at, tie_order(seen.tie_breaker), seen.event_id)
           > (p.categories_at, tie_order(p.categories_tie_breaker), p.categories_event_id))

-- name: shipment_orders
SELECT DISTINCT shipment_id, order_id FROM shipment_changes
 WHERE dataset_id = %(dataset)s AND shipment_id = ANY(%(shipment_ids)s)

-- The contents of orders, and without one what was stated beside it.
-- name: order_contents
SELECT order_id, content, occurred_at, tie_breaker, event_id, subject, ordered_at FROM order_revisions
 WHERE dataset_id = %(dataset)s AND order_id = ANY(%(order_ids)s)
 UNION ALL
SELECT order_id, NULL, occurred_at, tie_breaker, event_id, subject, occurred_at FROM order_statements
 WHERE dataset_id = %(dataset)s AND order_id = ANY(%(order_ids)s)

-- name: move_revision
UPDATE order_revisions
   SET event_id = %(event_id)s, occurred_at = %(occurred_at)s, tie_breaker = %(tie_breaker)s, subject = %(subject)s,
       source = %(source)s, bot = %(bot)s, ordered_at = %(ordered_at)s, dated = %(dated)s
 WHERE dataset_id = %(dataset)s AND order_id = %(order_id)s AND content = %(content)s

-- Revisions without a date of their own count where their order was first said. Tells
-- from when to when they move.
-- name: date_orders
UPDATE order_revisions r SET ordered_at = known.first_at, dated = false
  FROM (
    SELECT order_id, content, ordered_at, min(occurred_at) OVER (PARTITION BY order_id) AS first_at
      FROM order_revisions
     WHERE dataset_id = %(dataset)s AND order_id = ANY(%(order_ids)s::text[])
  ) AS known
 WHERE r.dataset_id = %(dataset)s AND r.order_id = known.order_id AND r.content = known.content
   AND NOT coalesce(r.dated, r.ordered_at <> r.occurred_at) AND r.ordered_at <> known.first_at
RETURNING known.ordered_at, r.ordered_at

-- Which revision of each order counts: the last one, unless the order is cancelled or
-- failed.
-- name: mark_current
UPDATE order_revisions r SET current = NOT latest.void AND r.content = latest.content,
                             voided = latest.void AND r.content = latest.content
  FROM (
    SELECT DISTINCT ON (o.order_id) o.order_id, o.content,
           coalesce(s.status IN ('cancelled', 'failed'), false) AS void
      FROM order_revisions o
      LEFT JOIN (SELECT * FROM order_states
                  WHERE dataset_id = %(dataset)s AND order_id = ANY(%(order_ids)s::text[])) AS s
        ON s.order_id = o.order_id
     WHERE o.dataset_id = %(dataset)s AND o.order_id = ANY(%(order_ids)s::text[])
     ORDER BY o.order_id, event_position('order', NULL, o.occurred_at) DESC, o.tie_breaker DESC, o.event_id DESC
  ) AS latest
 WHERE r.dataset_id = %(dataset)s AND r.order_id = latest.order_id
   AND (r.current, r.voided) <> (NOT latest.void AND r.content = latest.content,
                                 latest.void AND r.content = latest.content)

-- name: what_orders_have
SELECT EXISTS (SELECT 1 FROM shipment_changes
                WHERE dataset_id = %(dataset)s AND order_id = ANY(%(order_ids)s::text[])),
       EXISTS (SELECT 1 FROM refunds WHERE dataset_id = %(dataset)s AND order_id = ANY(%(order_ids)s::text[]))

-- name: refunds_of_orders
SELECT f.order_id, f.event_id, f.occurred_at, f.refund_type, f.given_currency, f.default_currency, f.total_refund, f.currency, f.amount, f.flag,
       o.currency AS order_currency, o.total AS order_total, o.voided AS order_void
  FROM refunds f
  LEFT JOIN order_revisions o ON o.dataset_id = f.dataset_id AND o.order_id = f.order_id AND (o.current OR o.voided)
 WHERE f.dataset_id = %(dataset)s AND f.order_id = ANY(%(order_ids)s)
 ORDER BY f.order_id, refund_position(f.refund_type, f.occurred_at), f.tie_breaker, f.event_id

-- A refund or parcel is a robot's if its order is; while the order is unknown, if its
-- own event is.
-- name: mislabelled_refunds
WITH of_orders AS MATERIALIZED (
    SELECT r.order_id, r.event_id
      FROM refunds r
      JOIN order_revisions o ON o.dataset_id = r.dataset_id AND o.order_id = r.order_id AND (o.current OR o.voided)
     WHERE r.dataset_id = %(dataset)s AND r.order_id = ANY(%(order_ids)s) AND o.bot <> r.bot
), without AS MATERIALIZED (
    SELECT r.order_id, r.subject, r.occurred_at, r.event_id, r.bot
      FROM refunds r
     WHERE r.dataset_id = %(dataset)s AND r.order_id = ANY(%(order_ids)s)
       AND NOT EXISTS (SELECT 1 FROM order_revisions o
                        WHERE o.dataset_id = r.dataset_id AND o.order_id = r.order_id AND (o.current OR o.voided))
), by_event AS MATERIALIZED (
    SELECT r.order_id, r.event_id
      FROM without r
      JOIN events e ON e.dataset_id = %(dataset)s AND e.subject = r.subject AND e.occurred_at = r.occurred_at
       AND e.event_id = r.event_id
     WHERE e.bot <> r.bot
)
SELECT * FROM of_orders UNION ALL SELECT * FROM by_event

-- name: relabel_refunds
UPDATE refunds f SET bot = NOT f.bot
  FROM unnest(%(order_ids)s::text[], %(event_ids)s::uuid[]) AS l (order_id, event_id)
 WHERE f.dataset_id = %(dataset)s AND f.order_id = l.order_id AND f.event_id = l.event_id

-- name: mislabelled_parcels
WITH of_orders AS MATERIALIZED (
    SELECT r.shipment_id, r.event_id, r.occurred_at
      FROM shipment_changes r
      JOIN order_revisions o ON o.dataset_id = r.dataset_id AND o.order_id = r.order_id AND (o.current OR o.voided)
     WHERE r.dataset_id = %(dataset)s AND r.order_id = ANY(%(order_ids)s) AND o.bot <> r.bot
), without AS MATERIALIZED (
    SELECT r.shipment_id, r.subject, r.occurred_at, r.event_id, r.bot
      FROM shipment_changes r
     WHERE r.dataset_id = %(dataset)s AND r.order_id = ANY(%(order_ids)s)
       AND NOT EXISTS (SELECT 1 FROM order_revisions o
                        WHERE o.dataset_id = r.dataset_id AND o.order_id = r.order_id AND (o.current OR o.voided))
), by_event AS MATERIALIZED (
    SELECT r.shipment_id, r.event_id, r.occurred_at
      FROM without r
      JOIN events e ON e.dataset_id = %(dataset)s AND e.subject = r.subject AND e.occurred_at = r.occurred_at
       AND e.event_id = r.event_id
     WHERE e.bot <> r.bot
)
SELECT * FROM of_orders UNION ALL SELECT * FROM by_event

-- name: relabel_parcels
UPDATE shipment_changes c SET bot = NOT c.bot
  FROM unnest(%(shipment_ids)s::text[], %(event_ids)s::uuid[], %(times)s::timestamptz[])
       AS l (shipment_id, event_id, occurred_at)
 WHERE c.dataset_id = %(dataset)s AND c.shipment_id = l.shipment_id AND c.occurred_at = l.occurred_at
   AND c.event_id = l.event_id

-- name: settle_refunds
UPDATE refunds f SET currency = s.currency, amount = s.amount, flag = s.flag
  FROM unnest(%(order_ids)s::text[], %(event_ids)s::uuid[], %(currencies)s::text[], %(amounts)s::numeric[],
              %(flags)s::text[]) AS s (order_id, event_id, currency, amount, flag)
 WHERE f.dataset_id = %(dataset)s AND f.order_id = s.order_id AND f.event_id = s.event_id

-- name: end_sessions
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
 WHERE pid = ANY(%(process_ids)s) AND usename = current_user AND datname = current_database()
   AND xact_start < now() - make_interval(secs => %(seconds)s)
