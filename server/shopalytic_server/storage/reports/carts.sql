-- Carts that were created in the range: ordered, abandoned, or still open. Times
-- are compared as they are, so no time zone is needed.

-- Every cart of the range, what became of it, and what is in it. Lines whose price
-- is not known, or is in another currency than the cart's, have no value to add. A
-- cart that holds nothing any more is nothing that anybody left behind.
-- name: judged
WITH placed AS (
    SELECT cart, min(ordered_at) AS first_at FROM orders GROUP BY cart
), held AS (
    SELECT dataset, cart, currency, sum(price * quantity) AS value, max(price_digits + quantity_digits) AS digits
      FROM cart_lines
     WHERE quantity > 0
     GROUP BY ALL
)
SELECT c.dataset, c.cart, c.cart_id, c.by_1, c.by_2, coalesce(c.currency, $default_currency::VARCHAR) AS currency, c.created_at,
       c.changed_at, coalesce(h.value, 0) AS value, coalesce(h.digits, 0) AS digits,
       CASE WHEN p.first_at <= c.changed_at + to_hours($hours::INTEGER) THEN 'ordered'
            WHEN NOT EXISTS (SELECT 1 FROM held i WHERE i.dataset = c.dataset AND i.cart = c.cart) THEN 'emptied'
            WHEN c.changed_at + to_hours($hours::INTEGER) < $known_at::TIMESTAMP THEN 'abandoned'
            ELSE 'open' END AS state
  FROM counted_carts c
  LEFT JOIN placed p ON p.cart = c.cart
  LEFT JOIN held h ON h.dataset = c.dataset AND h.cart = c.cart
       AND h.currency = coalesce(c.currency, $default_currency::VARCHAR)
 WHERE c.created_at >= $from_at::TIMESTAMP AND c.created_at < $to_at::TIMESTAMP
   AND ($currency::VARCHAR IS NULL OR coalesce(c.currency, $default_currency::VARCHAR) = $currency)

-- The carts of each currency and value of a breakdown in numbers, and what the abandoned
-- ones are worth.
-- name: totals
SELECT currency, by_1, by_2, count(*) AS created, count(*) FILTER (WHERE state = 'ordered') AS ordered,
       count(*) FILTER (WHERE state = 'abandoned') AS abandoned, count(*) FILTER (WHERE state = 'open') AS open,
       count(*) FILTER (WHERE state = 'emptied') AS emptied,
       count(*) FILTER (WHERE state = 'abandoned' AND value >= $min_value::DECIMAL(38, 4)) AS listed,
       amount(CASE state WHEN 'abandoned' THEN value END, CASE state WHEN 'abandoned' THEN digits END)
           AS abandoned_value
  FROM judged
 GROUP BY currency, by_1, by_2

-- The abandoned carts of each currency in the order that is asked for.
-- name: abandoned
WITH keyed AS (
    SELECT *,
           CASE $order_by WHEN 'value' THEN value WHEN 'created' THEN epoch_us(created_at)
                ELSE epoch_us(changed_at) END AS key
      FROM judged
     WHERE state = 'abandoned' AND value >= $min_value::DECIMAL(38, 4)
)
SELECT dataset, cart_id, currency, created_at, changed_at
  FROM keyed
QUALIFY row_number() OVER (PARTITION BY currency ORDER BY CASE WHEN $ascending THEN -key ELSE key END DESC, cart_id, dataset) BETWEEN $first AND $last
 ORDER BY currency, CASE WHEN $ascending THEN -key ELSE key END DESC, cart_id, dataset

-- What was done to the abandoned carts.
-- name: explain_abandoned
SELECT e.dataset, CASE WHEN e.added THEN 'cart_add' ELSE 'cart_modify' END AS type, e.occurred_at, e.position,
       e.tie_breaker, e.event_id
  FROM judged j
  JOIN cart_changes e ON e.dataset = j.dataset AND e.cart = j.cart
 WHERE j.state = 'abandoned'
