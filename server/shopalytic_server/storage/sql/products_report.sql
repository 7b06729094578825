-- Products. Every view, cart addition, order and refund line counts in its own
-- currency; times are compared as they are, so no time zone is needed. Skus are
-- put in order by code point, whatever the database's collation.

-- What each refund in the range gives back, by product. A full refund gives
-- back what remains of its order's lines after the refunds before it; only an
-- order's first full refund leaves anything to give back, so that is all lines
-- less those of the partial refunds before it, as with the order's total.
-- name: returned
    SELECT f.dataset_id, f.subject, f.occurred_at, f.event_id, f.currency, i.sku, sum(i.price * i.qty) AS amount
      FROM refunds f
      JOIN refund_items i ON i.dataset_id = f.dataset_id AND i.order_id = f.order_id AND i.event_id = f.event_id
     WHERE f.dataset_id = ANY(%(datasets)s::int[]) AND f.amount IS NOT NULL AND f.refund_type = 'partial'
       AND f.occurred_at >= %(from_at)s::timestamptz AND f.occurred_at < %(to_at)s::timestamptz
       AND (%(source)s::text IS NULL OR f.source = %(source)s::text)
       AND (%(include_bots)s::boolean OR NOT f.bot)
       AND (%(currency)s::text IS NULL OR f.currency = %(currency)s::text)
     GROUP BY f.dataset_id, f.subject, f.occurred_at, f.event_id, f.currency, i.sku
     UNION ALL
    SELECT f.dataset_id, f.subject, f.occurred_at, f.event_id, f.currency, lines.sku,
           lines.amount - coalesce(earlier.amount, 0)
      FROM refunds f
     CROSS JOIN LATERAL (
        SELECT i.sku, sum(i.price * i.qty) AS amount
          FROM order_revisions o
          JOIN order_items i ON i.dataset_id = o.dataset_id AND i.order_id = o.order_id AND i.content = o.content
         WHERE o.dataset_id = f.dataset_id AND o.order_id = f.order_id AND o.current
         GROUP BY i.sku
      ) AS lines
      LEFT JOIN LATERAL (
        SELECT i.sku, sum(i.price * i.qty) AS amount
          FROM refunds p
          JOIN refund_items i
            ON i.dataset_id = p.dataset_id AND i.order_id = p.order_id AND i.event_id = p.event_id
         WHERE p.dataset_id = f.dataset_id AND p.order_id = f.order_id AND p.refund_type = 'partial'
           AND p.currency = f.currency AND (p.occurred_at, p.event_id) < (f.occurred_at, f.event_id)
         GROUP BY i.sku
      ) AS earlier ON earlier.sku = lines.sku
     WHERE f.dataset_id = ANY(%(datasets)s::int[]) AND f.amount IS NOT NULL AND f.refund_type = 'full'
       AND f.occurred_at >= %(from_at)s::timestamptz AND f.occurred_at < %(to_at)s::timestamptz
       AND (%(source)s::text IS NULL OR f.source = %(source)s::text)
       AND (%(include_bots)s::boolean OR NOT f.bot)
       AND (%(currency)s::text IS NULL OR f.currency = %(currency)s::text)
       AND NOT EXISTS (
           SELECT FROM refunds p
            WHERE p.dataset_id = f.dataset_id AND p.order_id = f.order_id AND p.refund_type = 'full'
              AND (p.occurred_at, p.event_id) < (f.occurred_at, f.event_id))
       AND lines.amount > coalesce(earlier.amount, 0)

-- The products with the most net of each currency. Customers are joined table
-- by table: the planner would read all of the view subject_customers. What was
-- worked out here is put together by grouping, not by joins, whose cost would
-- hang on guesses of its size.
-- name: rows
WITH placed AS MATERIALIZED (
    SELECT row_number() OVER () AS number, o.currency, o.dataset_id, o.order_id, o.content,
           coalesce(named.customer_id, owner.customer_id, o.subject) AS customer_id
      FROM order_revisions o
      LEFT JOIN identities named ON named.dataset_id = o.dataset_id AND named.subject = o.subject
      LEFT JOIN tracking_links l ON l.dataset_id = o.dataset_id AND l.subject = o.subject AND l.owner
      LEFT JOIN identities owner ON owner.dataset_id = l.dataset_id AND owner.identity = l.identity
     WHERE o.dataset_id = ANY(%(datasets)s::int[]) AND o.current
       AND o.ordered_at >= %(from_at)s::timestamptz AND o.ordered_at < %(to_at)s::timestamptz
       AND (%(source)s::text IS NULL OR o.source = %(source)s::text)
       AND (%(include_bots)s::boolean OR NOT o.bot)
       AND (%(currency)s::text IS NULL OR o.currency = %(currency)s::text)
), carted AS (
    SELECT DISTINCT c.currency, c.sku, c.dataset_id, c.cart_id
      FROM cart_changes c
     WHERE c.dataset_id = ANY(%(datasets)s::int[]) AND c.added
       AND c.modified_at >= %(from_at)s::timestamptz AND c.modified_at < %(to_at)s::timestamptz
       AND (%(source)s::text IS NULL OR c.source = %(source)s::text)
       AND (%(include_bots)s::boolean OR NOT c.bot)
       AND (%(currency)s::text IS NULL OR c.currency = %(currency)s::text)
), bought AS MATERIALIZED (
    SELECT o.currency, i.sku COLLATE "C" COLLATE "default" AS sku, o.dataset_id, o.customer_id,
           sum(i.qty) AS units, sum(i.price * i.qty) AS gross
      FROM placed o
      JOIN order_items i ON i.dataset_id = o.dataset_id AND i.order_id = o.order_id AND i.content = o.content
     GROUP BY i.sku COLLATE "C", o.number, o.currency, o.dataset_id, o.customer_id
), returned AS (
{returned}
), interested AS (
    SELECT currency, sku, sum(views) AS views, bool_or(views = 0) AS buyer
      FROM (
        SELECT coalesce(e.properties ->> 'currency', %(default_currency)s::text) AS currency,
               e.properties ->> 'sku' AS sku, e.dataset_id,
               coalesce(named.customer_id, owner.customer_id, e.subject) AS customer_id, 1 AS views
          FROM events e
          LEFT JOIN identities named ON named.dataset_id = e.dataset_id AND named.subject = e.subject
          LEFT JOIN tracking_links l ON l.dataset_id = e.dataset_id AND l.subject = e.subject AND l.owner
          LEFT JOIN identities owner ON owner.dataset_id = l.dataset_id AND owner.identity = l.identity
         WHERE e.dataset_id = ANY(%(datasets)s::int[]) AND e.type = 'product_view'
           AND e.occurred_at >= %(from_at)s::timestamptz AND e.occurred_at < %(to_at)s::timestamptz
           AND (%(source)s::text IS NULL OR e.source = %(source)s::text)
           AND (%(include_bots)s::boolean OR NOT e.bot)
           AND (%(currency)s::text IS NULL
                OR coalesce(e.properties ->> 'currency', %(default_currency)s::text) = %(currency)s::text)
         UNION ALL
        SELECT currency, sku, dataset_id, customer_id, 0 FROM bought
      ) AS met
     GROUP BY currency, sku, dataset_id, customer_id
), counted (currency, sku, views, viewers, converted, carts, orders, units, gross, refunds) AS (
    SELECT currency, sku, sum(views), count(*), count(*) FILTER (WHERE buyer), 0, 0, 0, 0::numeric, 0::numeric
      FROM interested
     WHERE views > 0
     GROUP BY currency, sku
     UNION ALL
    SELECT currency, sku, 0, 0, 0, count(*), 0, 0, 0, 0 FROM carted GROUP BY currency, sku
     UNION ALL
    SELECT currency, sku, 0, 0, 0, 0, count(*), sum(units), sum(gross), 0 FROM bought GROUP BY currency, sku
     UNION ALL
    SELECT currency, sku, 0, 0, 0, 0, 0, 0, 0, sum(amount) FROM returned GROUP BY currency, sku
), products_of_range AS (
    SELECT currency, sku, sum(views)::bigint AS views, sum(viewers)::bigint AS viewers,
           sum(converted)::bigint AS converted, sum(carts)::bigint AS carts, sum(orders)::bigint AS orders,
           sum(units)::bigint AS units, sum(gross) AS gross, sum(refunds) AS refunds
      FROM counted
     GROUP BY currency, sku
), ranked AS (
    SELECT *, row_number() OVER (PARTITION BY currency ORDER BY gross - refunds DESC, sku COLLATE "C") AS place
      FROM products_of_range
)
SELECT r.*, seen.name
  FROM ranked r
  LEFT JOIN LATERAL (
    SELECT p.name
      FROM products p
     WHERE p.dataset_id = ANY(%(datasets)s::int[]) AND p.sku = r.sku
     ORDER BY p.seen_at DESC, p.seen_event_id DESC
     LIMIT 1
  ) AS seen ON true
 WHERE r.place <= %(limit)s::int
 ORDER BY r.currency, r.place

-- The pairs with the most orders of each currency. An order of n products has
-- n (n - 1) / 2 pairs, so not all are counted: no pair is in more orders than
-- either of its products. The pairs of the most ordered products (favourites)
-- tell how many orders the last of the best pairs has at least, and only
-- products in that many orders can be in one of the best. Products are counted
-- by a number that has the order of their skus, and orders have one too: to sort
-- and to group texts takes far longer.
-- name: pairs
WITH placed AS MATERIALIZED (
    SELECT row_number() OVER () AS order_number, o.currency, o.dataset_id, o.order_id, o.content
      FROM order_revisions o
     WHERE o.dataset_id = ANY(%(datasets)s::int[]) AND o.current
       AND o.ordered_at >= %(from_at)s::timestamptz AND o.ordered_at < %(to_at)s::timestamptz
       AND (%(source)s::text IS NULL OR o.source = %(source)s::text)
       AND (%(include_bots)s::boolean OR NOT o.bot)
       AND (%(currency)s::text IS NULL OR o.currency = %(currency)s::text)
), bought AS (
    SELECT DISTINCT o.currency, o.order_number, i.sku COLLATE "C" AS sku
      FROM placed o
      JOIN order_items i ON i.dataset_id = o.dataset_id AND i.order_id = o.order_id AND i.content = o.content
), popular AS (
    SELECT *, count(*) OVER (PARTITION BY currency, sku) AS orders FROM bought
), ranked AS MATERIALIZED (
    SELECT currency, order_number, sku, orders,
           dense_rank() OVER (PARTITION BY currency ORDER BY orders DESC, sku) AS place,
           (dense_rank() OVER (PARTITION BY currency ORDER BY sku))::int AS number
      FROM popular
), favourites AS (
    SELECT currency, array_agg(number ORDER BY number) AS numbers
      FROM ranked
     WHERE place <= 2 * %(pairs)s::int
     GROUP BY currency, order_number
), favourite_pairs AS (
    SELECT f.currency, count(*) AS orders,
           row_number() OVER (PARTITION BY f.currency ORDER BY count(*) DESC) AS place
      FROM favourites f
     CROSS JOIN LATERAL unnest(f.numbers) WITH ORDINALITY AS a (number, place)
     CROSS JOIN LATERAL unnest(f.numbers[a.place + 1:]) AS b (number)
     GROUP BY f.currency, a.number, b.number
), enough AS MATERIALIZED (
    SELECT currency, orders FROM favourite_pairs WHERE place = %(pairs)s::int
), likely AS (
    SELECT r.currency, array_agg(r.number ORDER BY r.number) AS numbers
      FROM ranked r
      LEFT JOIN enough ON enough.currency = r.currency
     WHERE r.orders >= coalesce(enough.orders, 1)
     GROUP BY r.currency, r.order_number
), paired AS (
    SELECT l.currency, a.number, b.number AS other_number, count(*) AS orders,
           row_number() OVER (PARTITION BY l.currency ORDER BY count(*) DESC, a.number, b.number) AS place
      FROM likely l
     CROSS JOIN LATERAL unnest(l.numbers) WITH ORDINALITY AS a (number, place)
     CROSS JOIN LATERAL unnest(l.numbers[a.place + 1:]) AS b (number)
     GROUP BY l.currency, a.number, b.number
), names AS MATERIALIZED (
    SELECT currency, array_agg(sku ORDER BY number) AS skus
      FROM (SELECT DISTINCT currency, number, sku FROM ranked) AS each
     GROUP BY currency
)
SELECT p.currency, n.skus[p.number] AS sku, n.skus[p.other_number] AS other_sku, p.orders
  FROM paired p
  JOIN names n ON n.currency = p.currency
 WHERE p.place <= %(pairs)s::int
 ORDER BY p.currency, p.place

-- name: explain_product
SELECT e.dataset_id, e.subject, e.occurred_at, e.event_id
  FROM events e
 WHERE e.dataset_id = ANY(%(datasets)s::int[]) AND e.type = 'product_view'
   AND e.occurred_at >= %(from_at)s::timestamptz AND e.occurred_at < %(to_at)s::timestamptz
   AND (%(source)s::text IS NULL OR e.source = %(source)s::text)
   AND (%(include_bots)s::boolean OR NOT e.bot)
   AND coalesce(e.properties ->> 'currency', %(default_currency)s::text) = %(currency)s::text
   AND e.properties ->> 'sku' = %(sku)s::text
 UNION ALL
SELECT c.dataset_id, c.subject, c.occurred_at, c.event_id
  FROM cart_changes c
 WHERE c.dataset_id = ANY(%(datasets)s::int[]) AND c.added
   AND c.modified_at >= %(from_at)s::timestamptz AND c.modified_at < %(to_at)s::timestamptz
   AND (%(source)s::text IS NULL OR c.source = %(source)s::text)
   AND (%(include_bots)s::boolean OR NOT c.bot)
   AND c.currency = %(currency)s::text AND c.sku = %(sku)s::text
 UNION ALL
SELECT o.dataset_id, o.subject, o.occurred_at, o.event_id
  FROM order_revisions o
 WHERE o.dataset_id = ANY(%(datasets)s::int[]) AND o.current
   AND o.ordered_at >= %(from_at)s::timestamptz AND o.ordered_at < %(to_at)s::timestamptz
   AND (%(source)s::text IS NULL OR o.source = %(source)s::text)
   AND (%(include_bots)s::boolean OR NOT o.bot)
   AND o.currency = %(currency)s::text
   AND EXISTS (
       SELECT FROM order_items i
        WHERE i.dataset_id = o.dataset_id AND i.order_id = o.order_id AND i.content = o.content
          AND i.sku = %(sku)s::text)
 UNION ALL
SELECT r.dataset_id, r.subject, r.occurred_at, r.event_id
  FROM (
{returned}
  ) AS r
 WHERE r.sku = %(sku)s::text
