-- Customers by recency, frequency and money; see `segments` in facts/breakdown/beside.sql.

-- name: segments
SELECT segment, count(*) AS customers, sum(orders)::BIGINT AS orders, amount(net, net_digits) AS net
  FROM segments
 GROUP BY GROUPING SETS ((segment), ())

-- The customers of a segment, most net first, each with the event of the last order.
-- name: customers
SELECT dataset, event_at, event_id, last_at, orders, amount(net, net_digits) AS net, recency, frequency, money
  FROM segments
 WHERE segment = $segment
 GROUP BY ALL
 ORDER BY min(net) DESC, event_id
 LIMIT $most
