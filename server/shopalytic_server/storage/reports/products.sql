-- Products. Every view, cart addition, order and refund line counts in its own
-- currency; times are compared as they are, so no time zone is needed.

-- What happened to each product, in the order that is asked for; `rank` is its
-- place among its currency's `products`. In a breakdown it is each value instead.
-- name: products
WITH bought AS MATERIALIZED (
    SELECT l.currency, CASE WHEN $by_product THEN l.sku ELSE '' END AS sku, l.by_1, l.by_2, l.order_key,
           coalesce(c.customer, o.subject) AS customer, l.price, l.price_digits, l.quantity, l.quantity_digits,
           l.units
      FROM counted_order_lines l
      JOIN orders o ON o.order_key = l.order_key
      LEFT JOIN customers_of c ON c.subject = o.subject
     WHERE l.ordered_at >= $from_at::TIMESTAMP AND l.ordered_at < $to_at::TIMESTAMP
), seen AS (
    SELECT v.currency, CASE WHEN $by_product THEN v.sku ELSE '' END AS sku, v.by_1, v.by_2,
           coalesce(c.customer, v.subject) AS customer, count(*) AS views
      FROM counted_product_views v
      LEFT JOIN customers_of c ON c.subject = v.subject
     WHERE v.occurred_at >= $from_at::TIMESTAMP AND v.occurred_at < $to_at::TIMESTAMP
     GROUP BY ALL
), viewed AS (
    SELECT s.currency, s.sku, s.by_1, s.by_2, sum(s.views)::BIGINT AS views, count(*) AS viewers,
           count(b.customer) AS converted
      FROM seen s
      LEFT JOIN (SELECT DISTINCT currency, sku, by_1, by_2, customer FROM bought) b
        ON b.currency = s.currency AND b.sku = s.sku AND b.by_1 = s.by_1 AND b.by_2 = s.by_2
       AND b.customer = s.customer
     GROUP BY ALL
), ordered AS (
    SELECT currency, sku, by_1, by_2, count(DISTINCT order_key) AS orders, sum(units)::BIGINT AS units,
           amount(quantity, quantity_digits) AS quantity,
           amount(price * quantity, price_digits + quantity_digits) AS gross
      FROM bought
     GROUP BY ALL
), carted AS (
    SELECT currency, CASE WHEN $by_product THEN sku ELSE '' END AS sku, by_1, by_2, count(DISTINCT cart) AS carts
      FROM counted_cart_changes
     WHERE added AND modified_at >= $from_at::TIMESTAMP AND modified_at < $to_at::TIMESTAMP
     GROUP BY ALL
), discounted AS (
    SELECT currency, CASE WHEN $by_product THEN sku ELSE '' END AS sku, by_1, by_2,
           amount(discount, discount_digits) AS discounts
      FROM counted_line_discounts
     WHERE ordered_at >= $from_at::TIMESTAMP AND ordered_at < $to_at::TIMESTAMP
     GROUP BY ALL
), refunded AS (
    SELECT currency, CASE WHEN $by_product THEN sku ELSE '' END AS sku, by_1, by_2,
           amount(amount, amount_digits) AS refunds, amount(net_amount, net_digits) AS returns,
           amount(quantity, quantity_digits) AS quantity_returned
      FROM counted_returned
     WHERE occurred_at >= $from_at::TIMESTAMP AND occurred_at < $to_at::TIMESTAMP
     GROUP BY ALL
), products AS (
    SELECT *,
           CASE $order_by WHEN 'views' THEN views WHEN 'carts' THEN carts WHEN 'orders' THEN orders
                WHEN 'units' THEN units WHEN 'gross' THEN gross.sum WHEN 'refunds' THEN refunds.sum
                WHEN 'returns' THEN returns.sum WHEN 'discounts' THEN discounts.sum
                WHEN 'quantity_returned' THEN quantity_returned.sum
                WHEN 'viewers' THEN viewers WHEN 'rate' THEN 0 WHEN 'return_rate' THEN 0 WHEN 'sku' THEN 0
                ELSE coalesce(gross.sum, 0) - coalesce(discounts.sum, 0) - coalesce(returns.sum, 0) END AS key,
           CASE $order_by WHEN 'rate' THEN coalesce(converted / viewers, 0)
                WHEN 'return_rate' THEN coalesce(quantity_returned.sum::DOUBLE / nullif(quantity.sum, 0)::DOUBLE, 0)
                ELSE 0 END AS rate
      FROM viewed
      FULL JOIN ordered USING (currency, sku, by_1, by_2)
      FULL JOIN carted USING (currency, sku, by_1, by_2)
      FULL JOIN discounted USING (currency, sku, by_1, by_2)
      FULL JOIN refunded USING (currency, sku, by_1, by_2)
     WHERE $search = '' OR contains(lower(sku), $search) OR list_contains($named::VARCHAR[], sku)
), placed AS (
    SELECT *, count(*) OVER (PARTITION BY currency) AS products,
           row_number() OVER (
               PARTITION BY currency
               ORDER BY coalesce(CASE WHEN $ascending THEN -key ELSE key END, 0) DESC,
                        CASE WHEN $ascending THEN -rate ELSE rate END DESC,
                        CASE WHEN $order_by = 'sku' AND NOT $ascending THEN sku END DESC, sku, by_1, by_2) AS place
      FROM products
)
SELECT * EXCLUDE (key, rate, place)
  FROM placed
 WHERE place BETWEEN $first AND $last
 ORDER BY currency, place

-- What orders and refunds state of each currency, and what of it is no product's.
-- name: unassigned
WITH stated AS (
    SELECT currency, subtotal AS gross, subtotal_digits AS gross_digits, total_discount AS discount,
           total_discount_digits AS discount_digits, 0::DECIMAL(38, 4) AS back, 0 AS back_digits
      FROM counted_orders
     WHERE ordered_at >= $from_at::TIMESTAMP AND ordered_at < $to_at::TIMESTAMP
     UNION ALL
    SELECT currency, -price * quantity, price_digits + quantity_digits, 0, 0, 0, 0
      FROM counted_order_lines
     WHERE ordered_at >= $from_at::TIMESTAMP AND ordered_at < $to_at::TIMESTAMP
     UNION ALL
    SELECT currency, 0, 0, -discount, discount_digits, 0, 0
      FROM counted_line_discounts
     WHERE ordered_at >= $from_at::TIMESTAMP AND ordered_at < $to_at::TIMESTAMP
     UNION ALL
    SELECT currency, 0, 0, 0, 0, amount, amount_digits
      FROM counted_returns
     WHERE occurred_at >= $from_at::TIMESTAMP AND occurred_at < $to_at::TIMESTAMP
     UNION ALL
    SELECT currency, 0, 0, 0, 0, -net_amount, net_digits
      FROM counted_returned
     WHERE occurred_at >= $from_at::TIMESTAMP AND occurred_at < $to_at::TIMESTAMP
)
SELECT currency, amount(gross, gross_digits) AS gross_sales, amount(discount, discount_digits) AS discounts,
       amount(back, back_digits) AS returns
  FROM stated
 GROUP BY currency

-- The pairs with the most orders of each currency. An order of n products has
-- n (n - 1) / 2 pairs, so not all are counted: no pair is in more orders than
-- either of its products. The pairs of the most ordered products tell how many
-- orders the last of the best pairs has at least, and only products in that many
-- orders can be in one of the best.
-- name: pairs
WITH bought AS (
    SELECT DISTINCT currency, order_key, sku
      FROM counted_order_lines
     WHERE ordered_at >= $from_at::TIMESTAMP AND ordered_at < $to_at::TIMESTAMP
), counted AS (
    SELECT currency, sku, count(*) AS orders FROM bought GROUP BY currency, sku
), popular AS MATERIALIZED (
    SELECT *, row_number() OVER (PARTITION BY currency ORDER BY orders DESC, sku) AS place FROM counted
), favourites AS (
    SELECT b.currency, b.order_key, b.sku
      FROM bought b
      JOIN popular p ON p.currency = b.currency AND p.sku = b.sku AND p.place <= 8 * sqrt($pairs)
), favourite_pairs AS (
    SELECT currency, count(*) AS orders
      FROM favourites a
      JOIN favourites b USING (currency, order_key)
     WHERE a.sku < b.sku
     GROUP BY currency, a.sku, b.sku
), enough AS (
    SELECT currency, orders
      FROM favourite_pairs
   QUALIFY row_number() OVER (PARTITION BY currency ORDER BY orders DESC) = $pairs
), likely AS (
    SELECT b.currency, b.order_key, b.sku
      FROM bought b
      JOIN popular p ON p.currency = b.currency AND p.sku = b.sku
      LEFT JOIN enough e ON e.currency = b.currency
     WHERE p.orders >= coalesce(e.orders, 1)
), paired AS (
    SELECT currency, a.sku AS sku, b.sku AS other_sku, count(*) AS orders
      FROM likely a
      JOIN likely b USING (currency, order_key)
     WHERE a.sku < b.sku
     GROUP BY currency, a.sku, b.sku
)
SELECT p.*, a.orders AS orders_of_one, b.orders AS orders_of_other, e.orders AS all_orders
  FROM paired p
  JOIN counted a ON a.currency = p.currency AND a.sku = p.sku
  JOIN counted b ON b.currency = p.currency AND b.sku = p.other_sku
  JOIN (SELECT currency, count(DISTINCT order_key) AS orders FROM bought GROUP BY currency) e ON e.currency = p.currency
QUALIFY row_number() OVER (PARTITION BY p.currency ORDER BY p.orders DESC, p.sku, p.other_sku) <= $pairs
 ORDER BY p.currency, p.orders DESC, p.sku, p.other_sku

-- What happened to one product, or to all that the filters leave.
-- name: explain_product
SELECT dataset, 'product_view' AS type, occurred_at, position, tie_breaker, event_id
  FROM counted_product_views
 WHERE occurred_at >= $from_at::TIMESTAMP AND occurred_at < $to_at::TIMESTAMP
   AND ($sku::VARCHAR IS NULL OR sku = $sku)
 UNION ALL
SELECT dataset, 'cart_add', occurred_at, position, tie_breaker, event_id
  FROM counted_cart_changes
 WHERE added AND modified_at >= $from_at::TIMESTAMP AND modified_at < $to_at::TIMESTAMP
   AND ($sku::VARCHAR IS NULL OR sku = $sku)
 UNION ALL
SELECT DISTINCT o.dataset, 'order', o.occurred_at, o.position, o.tie_breaker, o.event_id
  FROM counted_orders o
 WHERE o.ordered_at >= $from_at::TIMESTAMP AND o.ordered_at < $to_at::TIMESTAMP
   AND EXISTS (SELECT 1 FROM counted_order_lines l
                WHERE l.order_key = o.order_key AND ($sku::VARCHAR IS NULL OR l.sku = $sku))
 UNION ALL
SELECT DISTINCT dataset, 'refund', occurred_at, position, tie_breaker, event_id
  FROM counted_returned
 WHERE occurred_at >= $from_at::TIMESTAMP AND occurred_at < $to_at::TIMESTAMP
   AND ($sku::VARCHAR IS NULL OR sku = $sku)
