-- Customers by recency, frequency and money; see `segments` in facts/breakdown/beside.sql.

-- name: segments
SELECT segment, count(*) AS customers, sum(orders)::BIGINT AS orders, amount(net, net_digits) AS net
  FROM segments
 GROUP BY GROUPING SETS ((segment), ())

-- The customers of a segment in the order that is asked for, each with the event of the last order.
-- name: customers
SELECT * EXCLUDE (key)
  FROM (
    SELECT dataset, event_at, event_id, last_at, orders, amount(net, net_digits) AS net, recency, frequency, money,
           CASE $order_by WHEN 'orders' THEN orders WHEN 'last_order' THEN epoch_us(last_at) ELSE min(s.net) END AS key
      FROM segments s
     WHERE segment = $segment
     GROUP BY dataset, event_at, event_id, last_at, orders, recency, frequency, money
  )
 ORDER BY CASE WHEN $ascending THEN -key ELSE key END DESC, event_id
 LIMIT $most OFFSET $skipped

-- What the customers of a segment, or of all, ordered and gave back until the range's end.
-- name: explain_row
SELECT o.dataset, 'order' AS type, o.occurred_at, o.position, o.tie_breaker, o.event_id
  FROM orders o
  LEFT JOIN customers_of c ON c.subject = o.subject
  JOIN segments s ON s.customer = coalesce(c.customer, o.subject)
 WHERE o.ordered_at < $to_at::TIMESTAMP AND ($include_bots OR NOT o.bot)
   AND ($segment::VARCHAR IS NULL OR s.segment = $segment)
 UNION ALL
SELECT f.dataset, 'refund', f.occurred_at, f.position, f.tie_breaker, f.event_id
  FROM refunds f
  LEFT JOIN orders o ON o.order_key = f.order_key
  LEFT JOIN customers_of c ON c.subject = coalesce(o.subject, f.subject)
  JOIN segments s ON s.customer = coalesce(c.customer, o.subject, f.subject)
 WHERE f.occurred_at < $to_at::TIMESTAMP AND ($include_bots OR NOT f.bot) AND f.amount IS NOT NULL
   AND f.currency = $money_in::VARCHAR AND ($segment::VARCHAR IS NULL OR s.segment = $segment)
