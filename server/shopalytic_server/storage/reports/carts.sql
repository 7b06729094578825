-- Carts that were created in the range: ordered, abandoned, or still open. Times
-- are compared as they are, so no time zone is needed.

-- The carts of each currency in numbers, and what the abandoned ones are worth.
-- Lines whose price is not known, or is in another currency than the cart's, have
-- no value to add.
-- name: totals
WITH placed AS (
    SELECT cart, min(ordered_at) AS first_at FROM orders GROUP BY cart
), judged AS MATERIALIZED (
    SELECT c.dataset, c.cart, coalesce(c.currency, $default_currency) AS currency,
           CASE WHEN p.first_at <= c.changed_at + to_hours($hours::INTEGER) THEN 'ordered'
                WHEN c.changed_at + to_hours($hours::INTEGER) < $known_at::TIMESTAMP THEN 'abandoned'
                ELSE 'open' END AS state
      FROM carts c
      LEFT JOIN placed p ON p.cart = c.cart
     WHERE c.created_at >= $from_at::TIMESTAMP AND c.created_at < $to_at::TIMESTAMP
       AND ($source::VARCHAR IS NULL OR c.source = $source) AND ($include_bots OR NOT c.bot)
       AND ($currency::VARCHAR IS NULL OR coalesce(c.currency, $default_currency) = $currency)
), valued AS (
    SELECT j.currency, amount(l.price * l.quantity, l.price_digits) AS abandoned_value
      FROM judged j
      JOIN cart_lines l ON l.dataset = j.dataset AND l.cart = j.cart AND l.currency = j.currency
     WHERE j.state = 'abandoned' AND l.quantity > 0
     GROUP BY j.currency
)
SELECT j.currency, count(*) AS created, count(*) FILTER (WHERE state = 'ordered') AS ordered,
       count(*) FILTER (WHERE state = 'abandoned') AS abandoned, count(*) FILTER (WHERE state = 'open') AS open,
       any_value(v.abandoned_value) AS abandoned_value
  FROM judged j
  LEFT JOIN valued v ON v.currency = j.currency
 GROUP BY j.currency

-- The abandoned carts of each currency that were changed last.
-- name: abandoned
WITH placed AS (
    SELECT cart, min(ordered_at) AS first_at FROM orders GROUP BY cart
)
SELECT c.dataset, c.cart_id, coalesce(c.currency, $default_currency) AS currency, c.created_at, c.changed_at
  FROM carts c
  LEFT JOIN placed p ON p.cart = c.cart
 WHERE c.created_at >= $from_at::TIMESTAMP AND c.created_at < $to_at::TIMESTAMP
   AND ($source::VARCHAR IS NULL OR c.source = $source) AND ($include_bots OR NOT c.bot)
   AND ($currency::VARCHAR IS NULL OR coalesce(c.currency, $default_currency) = $currency)
   AND (p.first_at IS NULL OR p.first_at > c.changed_at + to_hours($hours::INTEGER))
   AND c.changed_at + to_hours($hours::INTEGER) < $known_at::TIMESTAMP
QUALIFY row_number() OVER (
            PARTITION BY coalesce(c.currency, $default_currency)
            ORDER BY c.changed_at DESC, c.cart_id, c.dataset) <= $most
 ORDER BY c.changed_at DESC, c.cart_id, c.dataset

-- What was done to the abandoned carts.
-- name: explain_abandoned
WITH placed AS (
    SELECT cart, min(ordered_at) AS first_at FROM orders GROUP BY cart
)
SELECT e.dataset, CASE WHEN e.added THEN 'cart_add' ELSE 'cart_modify' END AS type, e.occurred_at, e.position,
       e.tie_breaker, e.event_id
  FROM carts c
  LEFT JOIN placed p ON p.cart = c.cart
  JOIN cart_changes e ON e.dataset = c.dataset AND e.cart = c.cart
 WHERE c.created_at >= $from_at::TIMESTAMP AND c.created_at < $to_at::TIMESTAMP
   AND ($source::VARCHAR IS NULL OR c.source = $source) AND ($include_bots OR NOT c.bot)
   AND ($currency::VARCHAR IS NULL OR coalesce(c.currency, $default_currency::VARCHAR) = $currency)
   AND (p.first_at IS NULL OR p.first_at > c.changed_at + to_hours($hours::INTEGER))
   AND c.changed_at + to_hours($hours::INTEGER) < $known_at::TIMESTAMP
