-- Coupons: the codes of orders at the time these count.

-- The first order ever of each customer.
-- name: firsts
SELECT coalesce(c.customer, o.subject) AS customer,
       first(o.order_key ORDER BY o.ordered_at, o.position, o.tie_breaker, o.event_id) AS order_key
  FROM orders o
  LEFT JOIN customers_of c ON c.subject = o.subject
 WHERE $include_bots OR NOT o.bot
 GROUP BY ALL

-- name: coupons
WITH used AS (
    SELECT currency, coupon, order_key, sum(value) AS value, max(value_digits) AS digits
      FROM order_discounts
     WHERE ordered_at >= $from_at::TIMESTAMP AND ordered_at < $to_at::TIMESTAMP
     GROUP BY ALL
)
SELECT o.currency, o.by_1, o.by_2, u.coupon, count(*) FILTER (WHERE o.closing) AS orders,
       count(DISTINCT CASE WHEN o.closing THEN coalesce(c.customer, o.subject) END) AS customers,
       count(*) FILTER (WHERE o.closing AND f.order_key = o.order_key) AS new_customers,
       amount(CASE WHEN o.closing THEN u.value END, CASE WHEN o.closing THEN u.digits END) AS discounts,
       amount(o.total, o.total_digits) AS total_sales
  FROM counted_orders o
  JOIN used u ON u.order_key = o.order_key
  LEFT JOIN customers_of c ON c.subject = o.subject
  LEFT JOIN first_orders_ever f ON f.customer = coalesce(c.customer, o.subject)
 WHERE o.ordered_at >= $from_at::TIMESTAMP AND o.ordered_at < $to_at::TIMESTAMP
 GROUP BY ALL

-- The orders with a code, and those without one.
-- name: orders
SELECT o.currency, u.order_key IS NOT NULL AS has_coupon, count(*) FILTER (WHERE o.closing) AS orders,
       count(DISTINCT CASE WHEN o.closing THEN coalesce(c.customer, o.subject) END) AS customers,
       count(*) FILTER (WHERE o.closing AND f.order_key = o.order_key) AS new_customers,
       amount(o.total_discount, o.total_discount_digits) AS discounts,
       amount(o.total, o.total_digits) AS total_sales
  FROM counted_orders o
  LEFT JOIN (SELECT DISTINCT order_key FROM order_discounts) u ON u.order_key = o.order_key
  LEFT JOIN customers_of c ON c.subject = o.subject
  LEFT JOIN first_orders_ever f ON f.customer = coalesce(c.customer, o.subject)
 WHERE o.ordered_at >= $from_at::TIMESTAMP AND o.ordered_at < $to_at::TIMESTAMP
 GROUP BY ALL

-- The orders of a row: with this code, or else those with any code, or with none.
-- name: explain_row
SELECT DISTINCT o.dataset, 'order' AS type, o.occurred_at, o.position, o.tie_breaker, o.event_id
  FROM counted_orders o
  LEFT JOIN (SELECT order_key, list(coupon) AS coupons FROM order_discounts GROUP BY order_key) u
    ON u.order_key = o.order_key
 WHERE o.ordered_at >= $from_at::TIMESTAMP AND o.ordered_at < $to_at::TIMESTAMP
   AND CASE WHEN $coupon::VARCHAR IS NULL THEN (u.order_key IS NOT NULL) = $has_coupon::BOOLEAN
            ELSE list_contains(u.coupons, $coupon) END
