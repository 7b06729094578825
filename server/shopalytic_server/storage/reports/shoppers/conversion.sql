-- What becomes of visits. Where the rows begin is worked out beforehand, so no time
-- zone is needed here.

-- The first and last visit or order of what the report counts, for ranges that are open.
-- name: extent
SELECT min(happened_at) AS first, max(happened_at) AS last
  FROM (
    SELECT occurred_at AS happened_at FROM visits
     UNION ALL
    SELECT ordered_at FROM counted_orders
  )
 WHERE happened_at >= $from_at::TIMESTAMP AND happened_at < $to_at::TIMESTAMP

-- The visits in which something was put into a cart, or that reached the checkout.
-- What happens after a visit, before the customer's next one, belongs to it.
-- name: reached
WITH moments AS (
    SELECT 'cart' AS step, subject, modified_at AS at
      FROM cart_changes
     WHERE added AND ($source::VARCHAR IS NULL OR source = $source) AND ($include_bots OR NOT bot)
     UNION ALL
    SELECT 'checkout', subject, occurred_at
      FROM steps
     WHERE (type = 'checkout_step' OR type = 'page_view' AND starts_with(page_type, 'checkout'))
       AND ($source::VARCHAR IS NULL OR source = $source) AND ($include_bots OR NOT bot)
     UNION ALL
    SELECT 'checkout', subject, ordered_at
      FROM orders
     WHERE ($source::VARCHAR IS NULL OR source = $source) AND ($include_bots OR NOT bot)
)
SELECT v.customer, v.position AS visit, bool_or(m.step = 'cart') AS has_cart, bool_or(m.step = 'checkout') AS has_checkout
  FROM (SELECT m.step, m.at, coalesce(c.customer, m.subject) AS customer
          FROM moments m
          LEFT JOIN customers_of c ON c.subject = m.subject
         WHERE m.at >= $from_at::TIMESTAMP AND m.at < $to_at::TIMESTAMP) m
  LEFT JOIN crowded w ON w.customer = m.customer
  JOIN visits_in_parts v ON v.customer = m.customer AND v.occurred_at <= m.at AND v.until > m.at
   AND v.part = coalesce(least(epoch_us(m.at) // w.width, w.last), 0)
 GROUP BY ALL

-- Visits and orders, by the number of the report's row and the values of a breakdown;
-- number 0 is the whole range.
-- name: conversion
WITH intervals AS (
    SELECT unnest($starts::TIMESTAMP[]) AS begins_at, generate_subscripts($starts::TIMESTAMP[], 1) AS number
), begun AS (
    SELECT i.number AS row, v.customer, v.by_1, v.by_2, r.has_cart, r.has_checkout
      FROM counted_visits v
      ASOF JOIN intervals i ON v.occurred_at >= i.begins_at
      LEFT JOIN reached r ON r.customer = v.customer AND r.visit = v.position
     WHERE v.matching AND v.occurred_at >= $from_at::TIMESTAMP AND v.occurred_at < $to_at::TIMESTAMP
), visited AS (
    SELECT coalesce(row, 0) AS number, by_1, by_2, count(*) AS sessions, count(DISTINCT customer) AS visitors,
           count(*) FILTER (WHERE has_cart) AS carts, count(*) FILTER (WHERE has_checkout) AS checkouts
      FROM begun
     GROUP BY GROUPING SETS ((row, by_1, by_2), (by_1, by_2))
), ordered AS (
    SELECT coalesce(i.number, 0) AS number, o.by_1, o.by_2, count(*) FILTER (WHERE o.closing) AS orders,
           amount(CASE WHEN o.currency = $revenue_in THEN o.total END,
                  CASE WHEN o.currency = $revenue_in THEN o.total_digits END) AS total_sales
      FROM counted_orders o
      ASOF JOIN intervals i ON o.ordered_at >= i.begins_at
     WHERE o.ordered_at >= $from_at::TIMESTAMP AND o.ordered_at < $to_at::TIMESTAMP
     GROUP BY GROUPING SETS ((i.number, o.by_1, o.by_2), (o.by_1, o.by_2))
)
SELECT *
  FROM visited
  FULL JOIN ordered USING (number, by_1, by_2)

-- The first page views of a row's visits, and its orders.
-- name: explain_row
SELECT DISTINCT dataset, 'page_view' AS type, occurred_at, position, tie_breaker, event_id
  FROM counted_visits
 WHERE matching AND occurred_at >= $from_at::TIMESTAMP AND occurred_at < $to_at::TIMESTAMP
 UNION ALL
SELECT DISTINCT dataset, 'order', occurred_at, position, tie_breaker, event_id
  FROM counted_orders
 WHERE ordered_at >= $from_at::TIMESTAMP AND ordered_at < $to_at::TIMESTAMP
