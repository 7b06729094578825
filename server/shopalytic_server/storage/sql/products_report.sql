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
       AND f.occurred_at >= %(rows_from)s::timestamptz AND f.occurred_at < %(rows_to)s::timestamptz
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
           AND p.currency = f.currency AND (refund_position(p.refund_type, p.occurred_at), tie_order(p.tie_breaker), p.event_id)
               < (refund_position(f.refund_type, f.occurred_at), tie_order(f.tie_breaker), f.event_id)
         GROUP BY i.sku
      ) AS earlier ON earlier.sku = lines.sku
     WHERE f.dataset_id = ANY(%(datasets)s::int[]) AND f.amount IS NOT NULL AND f.refund_type = 'full'
       AND f.occurred_at >= %(from_at)s::timestamptz AND f.occurred_at < %(to_at)s::timestamptz
       AND f.occurred_at >= %(rows_from)s::timestamptz AND f.occurred_at < %(rows_to)s::timestamptz
       AND (%(source)s::text IS NULL OR f.source = %(source)s::text)
       AND (%(include_bots)s::boolean OR NOT f.bot)
       AND (%(currency)s::text IS NULL OR f.currency = %(currency)s::text)
       AND NOT EXISTS (
           SELECT FROM refunds p
            WHERE p.dataset_id = f.dataset_id AND p.order_id = f.order_id AND p.refund_type = 'full'
              AND (refund_position(p.refund_type, p.occurred_at), tie_order(p.tie_breaker), p.event_id)
               < (refund_position(f.refund_type, f.occurred_at), tie_order(f.tie_breaker), f.event_id))
       AND lines.amount > coalesce(earlier.amount, 0)

-- What is counted by product is found in parts, which are put together outside.

-- Who saw a product, and who of these bought it too. Customers are joined table
-- by table: the planner would read all of the view subject_customers. What was
-- worked out here is put together by grouping, not by joins, whose cost would
-- hang on guesses of its size.
-- name: viewers
WITH placed AS MATERIALIZED (
    SELECT row_number() OVER () AS number, o.currency, o.dataset_id, o.order_id, o.content,
           {customer_of_o} AS customer_id
      FROM order_revisions o
      {customers_of_o}
     WHERE o.dataset_id = ANY(%(datasets)s::int[]) AND o.current
       AND o.ordered_at >= %(from_at)s::timestamptz AND o.ordered_at < %(to_at)s::timestamptz
       AND o.ordered_at >= %(rows_from)s::timestamptz AND o.ordered_at < %(rows_to)s::timestamptz
       AND (%(source)s::text IS NULL OR o.source = %(source)s::text)
       AND (%(include_bots)s::boolean OR NOT o.bot)
       AND (%(currency)s::text IS NULL OR o.currency = %(currency)s::text)
), interested AS (
    SELECT currency, sku, sum(views) AS views, bool_or(views = 0) AS buyer
      FROM (
        SELECT coalesce(e.properties ->> 'currency', %(default_currency)s::text) AS currency,
               e.properties ->> 'sku' AS sku, e.dataset_id, {customer_of_e} AS customer_id, 1 AS views
          FROM events e
          {customers_of_e}
         WHERE e.dataset_id = ANY(%(datasets)s::int[]) AND {type_of_e} = 'product_view'
           AND e.occurred_at >= %(from_at)s::timestamptz AND e.occurred_at < %(to_at)s::timestamptz
           AND e.occurred_at >= %(rows_from)s::timestamptz AND e.occurred_at < %(rows_to)s::timestamptz
           AND (%(source)s::text IS NULL OR e.source = %(source)s::text)
           AND (%(include_bots)s::boolean OR NOT e.bot)
           AND (%(currency)s::text IS NULL
                OR coalesce(e.properties ->> 'currency', %(default_currency)s::text) = %(currency)s::text)
         UNION ALL
        SELECT o.currency, i.sku, o.dataset_id, o.customer_id, 0
          FROM placed o
          JOIN order_items i ON i.dataset_id = o.dataset_id AND i.order_id = o.order_id AND i.content = o.content
      ) AS met
     GROUP BY currency, sku, dataset_id, customer_id
)
SELECT currency, sku, sum(views)::bigint AS counted, sum(views)::bigint AS views, count(*) AS viewers,
       count(*) FILTER (WHERE buyer) AS converted
  FROM interested
 WHERE views > 0
 GROUP BY currency, sku

-- Who saw or ordered products outside of the days that are kept.
-- name: live
    SELECT o.dataset_id, o.subject FROM order_revisions o
     WHERE o.dataset_id = ANY(%(datasets)s::int[]) AND o.current
       AND o.ordered_at >= %(from_at)s::timestamptz
       AND o.ordered_at < least(%(rows_from)s::timestamptz, %(to_at)s::timestamptz)
     UNION
    SELECT o.dataset_id, o.subject FROM order_revisions o
     WHERE o.dataset_id = ANY(%(datasets)s::int[]) AND o.current
       AND o.ordered_at >= greatest(%(rows_to)s::timestamptz, %(from_at)s::timestamptz)
       AND o.ordered_at < %(to_at)s::timestamptz
     UNION
    SELECT e.dataset_id, e.subject FROM events e
     WHERE e.dataset_id = ANY(%(datasets)s::int[]) AND e.type = 'product_view'
       AND e.occurred_at >= %(from_at)s::timestamptz
       AND e.occurred_at < least(%(rows_from)s::timestamptz, %(to_at)s::timestamptz)
     UNION
    SELECT e.dataset_id, e.subject FROM events e
     WHERE e.dataset_id = ANY(%(datasets)s::int[]) AND e.type = 'product_view'
       AND e.occurred_at >= greatest(%(rows_to)s::timestamptz, %(from_at)s::timestamptz)
       AND e.occurred_at < %(to_at)s::timestamptz

-- Orders are put in order by a number of theirs: to sort texts takes far longer.
-- name: bought
WITH placed AS MATERIALIZED (
    SELECT row_number() OVER () AS number, o.currency, o.dataset_id, o.order_id, o.content
      FROM order_revisions o
     WHERE o.dataset_id = ANY(%(datasets)s::int[]) AND o.current
       AND o.ordered_at >= %(from_at)s::timestamptz AND o.ordered_at < %(to_at)s::timestamptz
       AND o.ordered_at >= %(rows_from)s::timestamptz AND o.ordered_at < %(rows_to)s::timestamptz
       AND (%(source)s::text IS NULL OR o.source = %(source)s::text)
       AND (%(include_bots)s::boolean OR NOT o.bot)
       AND (%(currency)s::text IS NULL OR o.currency = %(currency)s::text)
), lines AS (
    SELECT o.currency, i.sku COLLATE "C" COLLATE "default" AS sku, sum(i.qty) AS units,
           sum(i.price * i.qty) AS gross
      FROM placed o
      JOIN order_items i ON i.dataset_id = o.dataset_id AND i.order_id = o.order_id AND i.content = o.content
     GROUP BY i.sku COLLATE "C", o.number, o.currency
)
SELECT currency, sku, count(*) AS counted, count(*) AS orders, sum(units)::bigint AS units, sum(gross) AS gross
  FROM lines
 GROUP BY currency, sku

-- Carts by the first time in the range that a product was put into them.
-- name: carted
SELECT currency, sku, count(*) AS counted, count(*) AS carts
  FROM (
    SELECT c.currency, c.sku, min(c.modified_at) AS first_at
      FROM cart_changes c
     WHERE c.dataset_id = ANY(%(datasets)s::int[]) AND c.added
       AND c.modified_at >= %(from_at)s::timestamptz AND c.modified_at < %(to_at)s::timestamptz
       AND c.modified_at >= %(rows_from)s::timestamptz AND c.modified_at < %(rows_to)s::timestamptz
       AND (%(source)s::text IS NULL OR c.source = %(source)s::text)
       AND (%(include_bots)s::boolean OR NOT c.bot)
       AND (%(currency)s::text IS NULL OR c.currency = %(currency)s::text)
     GROUP BY c.currency, c.sku, c.dataset_id, c.cart_id
    HAVING %(rows_from)s::timestamptz = '-infinity' OR NOT EXISTS (
        SELECT FROM cart_changes before
         WHERE before.dataset_id = c.dataset_id AND before.cart_id = c.cart_id AND before.sku = c.sku
           AND before.currency = c.currency AND before.added
           AND before.modified_at >= %(from_at)s::timestamptz AND before.modified_at < %(to_at)s::timestamptz
           AND before.modified_at < %(rows_from)s::timestamptz
           AND (%(source)s::text IS NULL OR before.source = %(source)s::text)
           AND (%(include_bots)s::boolean OR NOT before.bot))
  ) AS carts
 GROUP BY currency, sku

-- name: early_carts
SELECT FROM cart_changes c
 WHERE c.dataset_id = ANY(%(datasets)s::int[])
   AND c.modified_at >= %(from_at)s::timestamptz AND c.modified_at < %(rows_from)s::timestamptz
 LIMIT 1

-- name: refunded
SELECT currency, sku, count(*) AS counted, sum(amount) AS refunds
  FROM (
{returned}
  ) AS returned
 GROUP BY currency, sku

-- What products are called.
-- name: product_names
SELECT DISTINCT ON (p.sku) p.sku, p.name
  FROM products p
 WHERE p.dataset_id = ANY(%(datasets)s::int[]) AND p.sku = ANY(%(skus)s::text[])
 ORDER BY p.sku, p.seen_at DESC, p.seen_tie_breaker DESC, p.seen_event_id DESC

-- The pairs with the most orders of each currency. An order of n products has
-- n (n - 1) / 2 pairs, so not all are counted: no pair is in more orders than
-- either of its products. The pairs of the most ordered products (favourites;
-- they have some 30 times as many pairs as are wanted) tell how many orders the
-- last of the best pairs has at least, and only products in that many orders can
-- be in one of the best. Products are counted
-- by a number that has the order of their skus, and orders have one too: to sort
-- and to group texts takes far longer. Of those, `orders_before` are not of the
-- time before or after the days that are kept.
-- name: pairs
WITH placed AS MATERIALIZED (
    SELECT row_number() OVER () AS order_number, o.currency, o.dataset_id, o.order_id, o.content
      FROM order_revisions o
     WHERE o.dataset_id = ANY(%(datasets)s::int[]) AND o.current
       AND o.ordered_at >= %(from_at)s::timestamptz AND o.ordered_at < %(to_at)s::timestamptz
       AND o.ordered_at >= %(rows_from)s::timestamptz AND o.ordered_at < %(rows_to)s::timestamptz
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
     WHERE place <= 8 * sqrt(%(pairs)s::int)
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
SELECT p.currency, n.skus[p.number] AS sku, n.skus[p.other_number] AS other_sku, p.orders AS counted, p.orders,
       CASE WHEN isfinite(%(rows_from)s::timestamptz) = isfinite(%(rows_to)s::timestamptz) THEN p.orders ELSE 0
            END AS orders_before
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
