-- Carts. Times are compared as they are, so no time zone is needed.

-- The carts that were created in the range, each with what became of it. The
-- change that created a cart is its first: carts are found by the time of their
-- changes, looked up by their ids, and kept if their first change counts.
-- name: carts
    SELECT cart.*,
           CASE WHEN placed.first_at <= cart.changed_at + make_interval(hours => %(hours)s::int) THEN 'ordered'
                WHEN cart.changed_at + make_interval(hours => %(hours)s::int) < least(%(known_at)s::timestamptz, %(rows_to)s::timestamptz)
                THEN 'abandoned'
                ELSE 'open' END AS state
      FROM (
        SELECT c.dataset_id, c.cart_id, min(c.modified_at) AS created_at, max(c.modified_at) AS changed_at,
               (array_agg(c.subject ORDER BY cart_position(c.added, c.occurred_at) DESC, c.tie_breaker DESC, c.event_id DESC))[1] AS subject,
               coalesce((array_agg(c.currency ORDER BY cart_position(c.added, c.occurred_at) DESC, c.tie_breaker DESC, c.event_id DESC)
                            FILTER (WHERE c.price IS NOT NULL))[1],
                        %(default_currency)s::text) AS currency
          FROM (
{changed}
          ) AS changed
          JOIN cart_changes c ON c.dataset_id = changed.dataset_id AND c.cart_id = changed.cart_id
         WHERE c.modified_at >= %(rows_from)s::timestamptz AND c.modified_at < %(rows_to)s::timestamptz
         GROUP BY c.dataset_id, c.cart_id
        HAVING min(c.modified_at) >= %(from_at)s::timestamptz AND min(c.modified_at) < %(to_at)s::timestamptz
           AND (%(source)s::text IS NULL
                OR (array_agg(c.source ORDER BY cart_position(c.added, c.modified_at), cart_position(c.added, c.occurred_at), c.tie_breaker, c.event_id))[1] = %(source)s::text)
           AND (%(include_bots)s::boolean
                OR NOT (array_agg(c.bot ORDER BY cart_position(c.added, c.modified_at), cart_position(c.added, c.occurred_at), c.tie_breaker, c.event_id))[1])
      ) AS cart
      LEFT JOIN LATERAL (
        SELECT min(o.ordered_at) AS first_at
          FROM order_revisions o
         WHERE o.dataset_id = cart.dataset_id AND o.cart_id = cart.cart_id AND o.current
           AND o.ordered_at >= %(rows_from)s::timestamptz AND o.ordered_at < %(rows_to)s::timestamptz
      ) AS placed ON true
     WHERE %(currency)s::text IS NULL OR cart.currency = %(currency)s::text

-- name: all_changed
            SELECT f.dataset_id, f.cart_id
              FROM cart_changes f
             WHERE f.dataset_id = ANY(%(datasets)s::int[])
               AND f.modified_at >= %(from_at)s::timestamptz AND f.modified_at < %(to_at)s::timestamptz
             GROUP BY f.dataset_id, f.cart_id

-- name: some_changed
            SELECT *
              FROM unnest(%(member_datasets)s::int[], %(member_carts)s::text[]) AS m (dataset_id, cart_id)

-- The carts that something happened to outside of the days that are kept, or so
-- shortly before their end that nobody could say yet what became of them.
-- name: affected
SELECT count(*) AS members, array_agg(dataset_id)::text AS member_datasets, array_agg(cart_id)::text AS member_carts
  FROM (
    SELECT c.dataset_id, c.cart_id FROM cart_changes c
     WHERE c.dataset_id = ANY(%(datasets)s::int[]) AND c.modified_at < %(rows_from)s::timestamptz
     UNION
    SELECT c.dataset_id, c.cart_id FROM cart_changes c
     WHERE c.dataset_id = ANY(%(datasets)s::int[])
       AND c.modified_at >= %(rows_to)s::timestamptz - make_interval(hours => %(hours)s::int)
     UNION
    SELECT o.dataset_id, o.cart_id FROM order_revisions o
     WHERE o.dataset_id = ANY(%(datasets)s::int[]) AND o.current AND o.ordered_at < %(rows_from)s::timestamptz
     UNION
    SELECT o.dataset_id, o.cart_id FROM order_revisions o
     WHERE o.dataset_id = ANY(%(datasets)s::int[]) AND o.current AND o.ordered_at >= %(rows_to)s::timestamptz
  ) AS carts

-- What the abandoned carts hold. A line holds what was last set, plus what was
-- added since; its price is the latest. Lines whose price is not known, or is
-- in another currency than the cart's, have no value to add.
-- name: lines
    SELECT l.dataset_id, l.cart_id, l.sku, l.currency, l.qty, l.price
      FROM (
        SELECT m.dataset_id, m.cart_id, m.sku, m.cart_currency,
               sum(m.qty) FILTER (WHERE m.added AND m.sets_since = 0 OR NOT m.added AND m.sets_since = 1) AS qty,
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
             WHERE c.modified_at >= %(rows_from)s::timestamptz AND c.modified_at < %(rows_to)s::timestamptz
          ) AS m
         GROUP BY m.dataset_id, m.cart_id, m.sku, m.cart_currency
      ) AS l
     WHERE l.qty > 0 AND l.currency = l.cart_currency

-- name: totals
WITH carts AS MATERIALIZED (
{carts}
), left_behind AS (
    SELECT * FROM carts WHERE state = 'abandoned'
), lines AS (
{lines}
), valued AS (
    SELECT currency, sum(qty * price) AS value FROM lines GROUP BY currency
), counted AS (
    SELECT currency, count(*) AS created, count(*) FILTER (WHERE state = 'ordered') AS ordered,
           count(*) FILTER (WHERE state = 'abandoned') AS abandoned,
           count(*) FILTER (WHERE state = 'open') AS open
      FROM carts
     GROUP BY currency
)
SELECT n.*, n.created AS counted, coalesce(v.value, 0) AS abandoned_value
  FROM counted n
  LEFT JOIN valued v ON v.currency = n.currency

-- The abandoned carts of each currency that were changed last.
-- name: abandoned
WITH ranked AS (
    SELECT c.*, row_number() OVER (
               PARTITION BY c.currency
               ORDER BY c.changed_at DESC, c.cart_id COLLATE "C", c.dataset_id) AS place
      FROM (
{carts}
      ) AS c
     WHERE c.state = 'abandoned'
)
SELECT dataset_id, cart_id, currency, created_at, changed_at, subject, 1 AS counted
  FROM ranked
 WHERE place <= %(limit)s::int

-- The customers of some subjects. The arrays are parallel.
-- name: customers
SELECT s.dataset_id, s.subject, coalesce(named.customer_id, owner.customer_id, s.subject) AS customer_id
  FROM unnest(%(of_datasets)s::int[], %(subjects)s::uuid[]) AS s (dataset_id, subject)
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
{lines}
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

-- name: explain_abandoned
SELECT c.dataset_id, c.subject, c.occurred_at, c.event_id
  FROM (
{carts}
  ) AS cart
  JOIN cart_changes c ON c.dataset_id = cart.dataset_id AND c.cart_id = cart.cart_id
 WHERE cart.state = 'abandoned'
