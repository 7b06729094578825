-- What customers are worth. Where cohorts begin is worked out beforehand, so no time
-- zone is needed here.

-- The orders until the range's end, and what refunds took of them.
-- name: owned
SELECT coalesce(c.customer, o.subject) AS customer, true AS is_order, o.ordered_at, o.position, o.tie_breaker,
       o.event_id, CASE WHEN o.currency = $money_in THEN o.total END AS amount,
       CASE WHEN o.currency = $money_in THEN o.total_digits END AS digits, o.dataset, o.occurred_at
  FROM orders o
  LEFT JOIN customers_of c ON c.subject = o.subject
 WHERE o.ordered_at < $to_at::TIMESTAMP AND ($include_bots OR NOT o.bot)
   AND ($source::VARCHAR IS NULL OR o.source = $source) AND ($currency::VARCHAR IS NULL OR o.currency = $currency)
   AND ($include_visitors::BOOLEAN OR c.customer IS NOT NULL)
 UNION ALL
SELECT coalesce(c.customer, o.subject, f.subject), false, f.occurred_at, f.position, f.tie_breaker, f.event_id,
       -f.amount, f.amount_digits, f.dataset, f.occurred_at
  FROM refunds f
  LEFT JOIN orders o ON o.order_key = f.order_key
  LEFT JOIN customers_of c ON c.subject = coalesce(o.subject, f.subject)
 WHERE f.occurred_at < $to_at::TIMESTAMP AND ($include_bots OR NOT f.bot) AND f.currency = $money_in
   AND f.amount IS NOT NULL AND ($source::VARCHAR IS NULL OR f.source = $source)

-- Each customer's worth, by the first order.
-- name: worth
SELECT customer, min(ordered_at) FILTER (WHERE is_order) AS first_at,
       first(event_id ORDER BY ordered_at, position, tie_breaker, event_id) FILTER (WHERE is_order) AS event_id,
       count(*) FILTER (WHERE is_order) AS orders, sum(amount) AS net, max(digits) AS digits
  FROM owned
 GROUP BY customer
HAVING min(ordered_at) FILTER (WHERE is_order) >= $from_at::TIMESTAMP

-- name: extent
SELECT min(first_at) AS first, max(first_at) AS last FROM worth

-- By the number of the cohort and the values of a breakdown; number 0 is the whole
-- range. Filters and breakdowns look at the first order.
-- name: lifetime
WITH intervals AS (
    SELECT unnest($starts::TIMESTAMP[]) AS begins_at, generate_subscripts($starts::TIMESTAMP[], 1) AS number
)
SELECT coalesce(i.number, 0) AS number, o.by_1, o.by_2, count(*) AS customers, sum(w.orders)::BIGINT AS orders,
       count(*) FILTER (WHERE w.orders > 1) AS repeat_customers, amount(w.net, w.digits) AS net
  FROM worth w
  JOIN (SELECT DISTINCT event_id, by_1, by_2 FROM counted_orders WHERE closing) o ON o.event_id = w.event_id
  ASOF JOIN intervals i ON w.first_at >= i.begins_at
 GROUP BY GROUPING SETS ((i.number, o.by_1, o.by_2), (o.by_1, o.by_2))

-- What the customers of a cohort ordered and gave back until the range's end.
-- name: explain_row
SELECT a.dataset, CASE WHEN a.is_order THEN 'order' ELSE 'refund' END AS type, a.occurred_at, a.position,
       a.tie_breaker, a.event_id
  FROM owned a
  JOIN worth w ON w.customer = a.customer
 WHERE w.first_at >= $begins_at::TIMESTAMP AND w.first_at < $ends_at::TIMESTAMP
   AND w.event_id IN (SELECT event_id FROM counted_orders)
