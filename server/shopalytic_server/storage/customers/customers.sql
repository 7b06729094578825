-- Finding customers and what is known of them. Subjects are resolved first;
-- every other statement then goes by an array of them, index access by index
-- access. Arrays are parallel.

-- name: customer_of_subject
SELECT s.customer_id, NULL AS tracking_id
  FROM subject_customers s
 WHERE s.dataset_id = %(dataset)s AND s.subject = %(subject)s

-- name: anonymous_visitor
SELECT e.subject AS customer_id, e.tracking_id
  FROM events e
 WHERE e.dataset_id = %(dataset)s AND e.subject = %(subject)s
 LIMIT 1

-- name: summed_up
SELECT true AS found FROM page_quarters WHERE dataset_id = %(dataset)s AND subject = %(subject)s LIMIT 1

-- The one whose current email it is; if joining people left it to several, the one
-- who claims it most strongly, and of these the one who had it first. Whoever has it
-- unproved is looked for among the first few: anybody can say that it is theirs.
-- name: subject_of_email
SELECT latest.subject
  FROM (
    SELECT DISTINCT coalesce(
               (SELECT s.customer_id FROM subject_customers s
                 WHERE s.dataset_id = %(dataset)s AND s.subject = p.subject), p.subject) AS customer_id
      FROM (
        (SELECT p.subject FROM profile_changes p
          WHERE p.dataset_id = %(dataset)s AND lower(p.email) = lower(%(email)s) AND p.email_lost_at IS NULL)
         UNION ALL
        (SELECT p.subject FROM profile_changes p
          WHERE p.dataset_id = %(dataset)s AND lower(p.unproved_email) = lower(%(email)s) AND p.email_lost_at IS NULL
          ORDER BY p.occurred_at
          LIMIT 100)
      ) AS p
  ) AS holder
 CROSS JOIN LATERAL (
    SELECT p.subject, coalesce(p.email, p.unproved_email) AS email,
           CASE WHEN p.email IS NULL THEN 0 ELSE coalesce(p.email_claim, 2) END AS claim,
           profile_position(p.join_date, p.occurred_at) AS place, p.tie_breaker, p.event_id
      FROM profile_changes p
     WHERE p.dataset_id = %(dataset)s AND coalesce(p.email, p.unproved_email) IS NOT NULL AND p.email_lost_at IS NULL
       AND p.subject = ANY(ARRAY(SELECT s.subject FROM subject_customers s
                                  WHERE s.dataset_id = %(dataset)s AND s.customer_id = holder.customer_id)
                           || holder.customer_id)
     ORDER BY p.email IS NULL, place DESC, p.tie_breaker DESC, p.event_id DESC
     LIMIT 1
  ) AS latest
 WHERE lower(latest.email) = lower(%(email)s)
 ORDER BY latest.claim DESC, latest.place, latest.tie_breaker, latest.event_id
 LIMIT 1

-- name: orders_of_parcel
SELECT DISTINCT order_id FROM shipment_changes
 WHERE dataset_id = %(dataset)s AND (tracking_number = %(number)s OR shipment_id = ANY(order_keys(%(dataset)s, %(number)s)))
 ORDER BY order_id

-- Whose these orders are. Of an order that nobody sent, or not yet, who sent its parcels and refunds is
-- mostly a backend, and no customer.
-- name: subjects_of_orders
SELECT o.subject
  FROM unnest(%(order_ids)s::text[]) WITH ORDINALITY AS wanted (order_id, place)
  JOIN order_revisions o ON o.dataset_id = %(dataset)s AND o.order_id = wanted.order_id
                        AND (o.current OR o.voided)
 ORDER BY wanted.place

-- The orders that a number means.
-- name: orders_of_number
SELECT unnest(order_keys(%(dataset)s, %(number)s)) AS order_id

-- name: identities
SELECT customer_id, identity, subject, first_at
  FROM identities
 WHERE dataset_id = %(dataset)s AND customer_id = ANY(%(customer_ids)s::uuid[])
 ORDER BY first_at, identity

-- name: tracking_links
SELECT identity, subject, tracking_id, kind, occurred_at, event_id, owner,
       EXISTS (SELECT 1 FROM undone_merges u
                WHERE u.dataset_id = l.dataset_id AND u.identity = l.identity AND u.existing_identity = ''
                  AND u.existing_tracking_id = l.tracking_id) AS undone
  FROM tracking_links l
 WHERE dataset_id = %(dataset)s AND identity = ANY(%(identities)s::text[])
 ORDER BY event_position(kind, NULL, occurred_at), tie_breaker, event_id, tracking_id

-- Of addresses in another form than the plain one, too, which they join by themselves.
-- name: alias_links
SELECT a.*, EXISTS (SELECT 1 FROM undone_merges u
                     WHERE u.dataset_id = %(dataset)s AND u.identity = a.identity
                       AND u.existing_identity = a.existing_identity
                       AND u.existing_tracking_id = a.existing_tracking_id) AS undone
  FROM (
    SELECT identity, 'alias' AS kind, existing_identity, existing_tracking_id, occurred_at, event_id
      FROM alias_links
     WHERE dataset_id = %(dataset)s AND identity = ANY(%(identities)s::text[])
     UNION ALL
    SELECT identity, 'address', plain_identity(identity), '', first_at, subject
      FROM identities
     WHERE dataset_id = %(dataset)s AND identity = ANY(%(identities)s::text[])
       AND plain_identity(identity) <> identity
  ) AS a

-- name: profiles
SELECT m.customer_id,
       (array_agg(coalesce(p.email, p.unproved_email)
                  ORDER BY p.email IS NULL, profile_position(p.join_date, p.occurred_at) DESC, p.tie_breaker DESC, p.event_id DESC)
           FILTER (WHERE coalesce(p.email, p.unproved_email) IS NOT NULL AND p.email_lost_at IS NULL))[1] AS email,
       (array_agg(p.first_name ORDER BY profile_position(p.join_date, p.occurred_at) DESC, p.tie_breaker DESC, p.event_id DESC)
           FILTER (WHERE p.first_name IS NOT NULL))[1] AS first_name,
       (array_agg(p.last_name ORDER BY profile_position(p.join_date, p.occurred_at) DESC, p.tie_breaker DESC, p.event_id DESC)
           FILTER (WHERE p.last_name IS NOT NULL))[1] AS last_name,
       (array_agg(p.join_date ORDER BY profile_position(p.join_date, p.occurred_at) DESC, p.tie_breaker DESC, p.event_id DESC)
           FILTER (WHERE p.join_date IS NOT NULL))[1] AS join_date
  FROM unnest(%(customer_ids)s::uuid[], %(subjects)s::uuid[]) AS m (customer_id, subject)
  JOIN profile_changes p ON p.dataset_id = %(dataset)s AND p.subject = m.subject
 GROUP BY m.customer_id

-- name: orders
SELECT m.customer_id, o.currency, count(*) AS orders, sum(o.total) AS gross, min(o.ordered_at) AS first_at,
       max(o.ordered_at) AS last_at,
       (array_agg(coalesce(o.billing_country, o.shipping_country) ORDER BY o.ordered_at DESC, o.order_id COLLATE "C" DESC)
           FILTER (WHERE coalesce(o.billing_country, o.shipping_country) IS NOT NULL))[1] AS country,
       max(o.ordered_at) FILTER (WHERE coalesce(o.billing_country, o.shipping_country) IS NOT NULL) AS country_at
  FROM unnest(%(customer_ids)s::uuid[], %(subjects)s::uuid[]) AS m (customer_id, subject)
  JOIN order_revisions o ON o.dataset_id = %(dataset)s AND o.subject = m.subject AND o.current
 GROUP BY m.customer_id, o.currency

-- A refund is the customer's whose order it takes back; while the order is not
-- known, the one's who sent it.
-- name: refunds
SELECT customer_id, currency, sum(amount) AS refunds
  FROM (
    SELECT m.customer_id, f.currency, f.amount
      FROM unnest(%(customer_ids)s::uuid[], %(subjects)s::uuid[]) AS m (customer_id, subject)
      JOIN order_revisions o ON o.dataset_id = %(dataset)s AND o.subject = m.subject AND o.current
      JOIN refunds f ON f.dataset_id = %(dataset)s AND f.order_id = o.order_id
     UNION ALL
    SELECT m.customer_id, f.currency, f.amount
      FROM unnest(%(customer_ids)s::uuid[], %(subjects)s::uuid[]) AS m (customer_id, subject)
      JOIN refunds f ON f.dataset_id = %(dataset)s AND f.subject = m.subject
     WHERE NOT EXISTS (SELECT 1 FROM order_revisions o
                        WHERE o.dataset_id = %(dataset)s AND o.order_id = f.order_id AND o.current)
  ) AS own
 WHERE amount IS NOT NULL
 GROUP BY customer_id, currency

-- Calls of identify and alias count through the facts they stated: repeating
-- a known one is not always stored, so it must not show here either.
-- name: seen
SELECT m.customer_id, min(first.occurred_at) AS first_seen, max(last.occurred_at) AS last_seen
  FROM unnest(%(customer_ids)s::uuid[], %(subjects)s::uuid[]) AS m (customer_id, subject)
 CROSS JOIN LATERAL (
    SELECT e.occurred_at FROM events e
     WHERE e.dataset_id = %(dataset)s AND e.subject = m.subject AND e.type NOT IN ('identify', 'alias')
     ORDER BY e.occurred_at
     LIMIT 1
  ) AS first
 CROSS JOIN LATERAL (
    SELECT e.occurred_at FROM events e
     WHERE e.dataset_id = %(dataset)s AND e.subject = m.subject AND e.type NOT IN ('identify', 'alias')
     ORDER BY e.occurred_at DESC
     LIMIT 1
  ) AS last
 GROUP BY m.customer_id

-- on citus: seen
WITH own AS MATERIALIZED (
    SELECT subject, min(occurred_at) AS first_at, max(occurred_at) AS last_at FROM events
     WHERE dataset_id = %(dataset)s AND subject = ANY(%(subjects)s::uuid[]) AND type NOT IN ('identify', 'alias')
     GROUP BY subject
)
SELECT m.customer_id, min(own.first_at) AS first_seen, max(own.last_at) AS last_seen
  FROM unnest(%(customer_ids)s::uuid[], %(subjects)s::uuid[]) AS m (customer_id, subject)
  JOIN own ON own.subject = m.subject
 GROUP BY m.customer_id
