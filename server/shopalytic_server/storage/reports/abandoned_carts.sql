-- What the list of abandoned carts tells beside the facts: whose they are, and what is in them.

-- Whose some carts are: the customer who changed each last. The arrays are parallel.
-- name: customers
SELECT s.dataset_id, s.cart_id, coalesce(named.customer_id, owner.customer_id, s.subject) AS customer_id,
       (SELECT min(i.identity COLLATE "C") FROM identities i
         WHERE i.dataset_id = s.dataset_id AND i.customer_id = coalesce(named.customer_id, owner.customer_id))
           AS identity
  FROM (
    SELECT w.dataset_id, w.cart_id,
           (array_agg(c.subject ORDER BY cart_position(c.added, c.occurred_at) DESC, c.tie_breaker DESC,
                      c.event_id DESC))[1] AS subject
      FROM unnest(%(of_datasets)s::int[], %(cart_ids)s::text[]) AS w (dataset_id, cart_id)
      JOIN cart_changes c ON c.dataset_id = w.dataset_id AND c.cart_id = w.cart_id
     GROUP BY w.dataset_id, w.cart_id
  ) AS s
  LEFT JOIN identities named ON named.dataset_id = s.dataset_id AND named.subject = s.subject
  LEFT JOIN tracking_links l ON l.dataset_id = s.dataset_id AND l.subject = s.subject AND l.owner
  LEFT JOIN identities owner ON owner.dataset_id = l.dataset_id AND owner.identity = l.identity

-- What is in some carts. The arrays are parallel.
-- name: contents
WITH left_behind AS (
    SELECT *
      FROM unnest(%(of_datasets)s::int[], %(cart_ids)s::text[], %(currencies)s::text[])
           AS l (dataset_id, cart_id, currency)
), lines AS (
    SELECT l.dataset_id, l.cart_id, l.sku, l.currency, l.qty, l.price
      FROM (
        SELECT m.dataset_id, m.cart_id, m.sku, m.cart_currency,
               coalesce(sum(coalesce(m.quantity, m.qty))
                            FILTER (WHERE m.added AND m.sets_since = 0 OR NOT m.added AND m.sets_since = 1), 0)
                   - coalesce(sum(m.removed) FILTER (WHERE m.sets_since = 0), 0) AS qty,
               (array_agg(m.price ORDER BY cart_position(m.added, m.occurred_at) DESC, m.tie_breaker DESC, m.event_id DESC)
                   FILTER (WHERE m.price IS NOT NULL))[1] AS price,
               (array_agg(m.currency ORDER BY cart_position(m.added, m.occurred_at) DESC, m.tie_breaker DESC, m.event_id DESC)
                   FILTER (WHERE m.price IS NOT NULL))[1] AS currency
          FROM (
            SELECT c.*, left_behind.currency AS cart_currency,
                   count(*) FILTER (WHERE NOT c.added AND c.qty IS NOT NULL) OVER (
                       PARTITION BY c.dataset_id, c.cart_id, c.sku
                       ORDER BY cart_position(c.added, c.occurred_at) DESC, c.tie_breaker DESC, c.event_id DESC) AS sets_since
              FROM left_behind
              JOIN cart_changes c ON c.dataset_id = left_behind.dataset_id AND c.cart_id = left_behind.cart_id
          ) AS m
         GROUP BY m.dataset_id, m.cart_id, m.sku, m.cart_currency
      ) AS l
     WHERE l.qty > 0 AND l.currency = l.cart_currency
)
SELECT l.dataset_id, l.cart_id, l.sku, l.qty, l.price, seen.name,
       sum(l.qty * l.price) OVER (PARTITION BY l.dataset_id, l.cart_id) AS value
  FROM lines l
  LEFT JOIN products seen ON seen.dataset_id = l.dataset_id AND seen.sku = l.sku
 ORDER BY l.sku COLLATE "C"

-- The current e-mail addresses of customers, over all their devices and
-- identities. The arrays are parallel.
-- name: emails
WITH wanted AS (
    SELECT DISTINCT * FROM unnest(%(of_datasets)s::int[], %(customer_ids)s::uuid[]) AS w (dataset_id, customer_id)
), subjects AS (
    SELECT w.dataset_id, w.customer_id, i.subject
      FROM wanted w
      JOIN identities i ON i.dataset_id = w.dataset_id AND i.customer_id = w.customer_id
     UNION
    SELECT w.dataset_id, w.customer_id, l.subject
      FROM wanted w
      JOIN identities i ON i.dataset_id = w.dataset_id AND i.customer_id = w.customer_id
      JOIN tracking_links l ON l.dataset_id = i.dataset_id AND l.identity = i.identity AND l.owner
     UNION
    SELECT w.dataset_id, w.customer_id, w.customer_id FROM wanted w
)
SELECT DISTINCT ON (s.dataset_id, s.customer_id) s.dataset_id, s.customer_id, coalesce(p.email, p.unproved_email) AS email
  FROM subjects s
  JOIN profile_changes p ON p.dataset_id = s.dataset_id AND p.subject = s.subject
 WHERE coalesce(p.email, p.unproved_email) IS NOT NULL AND p.email_lost_at IS NULL
 ORDER BY s.dataset_id, s.customer_id, p.email IS NULL, profile_position(p.join_date, p.occurred_at) DESC, p.tie_breaker DESC, p.event_id DESC
