-- What several rows amount to: views over the tables that `facts/views.py` names.

-- Each cart: when it was created and changed last, in which currency its latest
-- price is (NULL: no price is known), and who created it. It is a robot's if its first
-- order is, and without one if who created it is. One that became an order which is
-- left out is left out with it.
-- name: carts
SELECT c.dataset, c.cart, c.cart_id, c.created_at, c.changed_at, c.currency, c.source, coalesce(o.bot, c.bot) AS bot,
       c.subject
  FROM (
    SELECT dataset, cart, any_value(cart_id) AS cart_id, min(modified_at) AS created_at, max(modified_at) AS changed_at,
           last(currency ORDER BY position, tie_breaker, event_id) FILTER (WHERE price IS NOT NULL) AS currency,
           first(source ORDER BY date_trunc('second', modified_at), NOT added, modified_at, position, tie_breaker, event_id)
               AS source,
           first(bot ORDER BY date_trunc('second', modified_at), NOT added, modified_at, position, tie_breaker, event_id)
               AS bot,
           first(subject ORDER BY date_trunc('second', modified_at), NOT added, modified_at, position, tie_breaker,
                                  event_id) AS subject
      FROM cart_changes
     GROUP BY dataset, cart
  ) AS c
  LEFT JOIN (
    SELECT dataset, cart, first(bot ORDER BY ordered_at, position, tie_breaker, event_id) AS bot
      FROM orders
     GROUP BY dataset, cart
  ) AS o ON o.dataset = c.dataset AND o.cart = c.cart
 WHERE o.cart IS NOT NULL
    OR NOT EXISTS (SELECT 1 FROM orders_left_out l WHERE l.dataset = c.dataset AND l.cart = c.cart)

-- Each line of a cart: it holds what was last set, plus what was added since, less
-- what was taken off since; its price is the latest.
-- name: cart_lines
SELECT dataset, cart, sku,
       coalesce(sum(quantity) FILTER (WHERE added AND sets_since = 0 OR NOT added AND sets_since = 1), 0)
           - coalesce(sum(removed) FILTER (WHERE sets_since = 0), 0) AS quantity,
       max(quantity_digits) AS quantity_digits,
       last(price ORDER BY position, tie_breaker, event_id) FILTER (WHERE price IS NOT NULL) AS price,
       last(price_digits ORDER BY position, tie_breaker, event_id) FILTER (WHERE price IS NOT NULL) AS price_digits,
       last(currency ORDER BY position, tie_breaker, event_id) FILTER (WHERE price IS NOT NULL) AS currency
  FROM (
    SELECT *, count(*) FILTER (WHERE NOT added AND quantity IS NOT NULL) OVER (
                 PARTITION BY dataset, cart, sku ORDER BY position DESC, tie_breaker DESC, event_id DESC
                 ROWS UNBOUNDED PRECEDING) AS sets_since
      FROM cart_changes
  )
 GROUP BY dataset, cart, sku

-- Each parcel as its latest dates and carrier say.
-- name: parcels
SELECT dataset, shipment, min(order_key) AS order_key, min(occurred_at) AS first_at,
       coalesce(last(carrier ORDER BY position, tie_breaker, event_id) FILTER (WHERE carrier IS NOT NULL), '')
           AS carrier,
       last(date_shipped ORDER BY position, tie_breaker, event_id) FILTER (WHERE date_shipped IS NOT NULL)
           AS date_shipped,
       last(date_delivered ORDER BY position, tie_breaker, event_id) FILTER (WHERE date_delivered IS NOT NULL)
           AS date_delivered,
       first(source ORDER BY position, tie_breaker, event_id) AS source,
       first(bot ORDER BY position, tie_breaker, event_id) AS bot
  FROM shipment_changes
 GROUP BY dataset, shipment

-- What an order's discount takes off each of its products: it is shared by what they
-- cost, and what cannot be divided goes to the last of them.
-- name: line_discounts
WITH goods AS (
    SELECT order_key, sku, sum(price * quantity) AS amount
      FROM order_lines
     GROUP BY ALL
), discounted AS (
    SELECT o.dataset, o.order_key, o.ordered_at, o.source, o.bot, o.currency, g.sku, o.total_discount,
           o.total_discount_digits, sum(weight(g.amount)) OVER (PARTITION BY o.order_key) AS whole,
           sum(weight(g.amount)) OVER so_far AS until, weight(g.amount) AS weight
      FROM orders o
      JOIN goods g ON g.order_key = o.order_key
     WHERE o.total_discount > 0
    WINDOW so_far AS (PARTITION BY o.order_key ORDER BY g.sku ROWS UNBOUNDED PRECEDING)
)
SELECT dataset, order_key, ordered_at, source, bot, currency, sku,
       divided(total_discount, greatest(total_discount_digits, coin_digits(currency)), until - weight, until, whole)
           AS discount,
       greatest(total_discount_digits, coin_digits(currency)) AS discount_digits
  FROM discounted
 WHERE whole > 0

-- What each refund gives back of each product: before discounts, and after them as
-- the refund says for all its products (see `returns`); the difference is shared by
-- what they cost. A full refund gives back what
-- remains of its order's lines after the refunds before it; only an order's first
-- full refund leaves anything to give back, so that is all lines less those of
-- the partial refunds before it, as with the order's total.
-- name: returned
WITH closing AS (
    SELECT *
      FROM refunds
     WHERE refund_type = 'full'
   QUALIFY row_number() OVER (PARTITION BY order_key ORDER BY position, tie_breaker, event_id) = 1
), ordered AS (
    SELECT order_key, sku, sum(price * quantity) AS amount, max(price_digits + quantity_digits) AS digits,
           sum(quantity) AS quantity, max(quantity_digits) AS quantity_digits,
           sum(cost * quantity) AS cost, max(cost_digits + quantity_digits) AS cost_digits, min(cost) AS least,
           max(cost_digits) AS least_digits
      FROM order_lines
     GROUP BY ALL
), partial AS (
    SELECT l.*, coalesce(o.least * l.quantity, 0) AS cost, coalesce(o.least_digits + l.quantity_digits, 0) AS cost_digits
      FROM refund_lines l
      LEFT JOIN ordered o ON o.order_key = l.order_key AND o.sku = l.sku
), earlier AS (
    SELECT f.order_key, l.sku, sum(l.price * l.quantity) AS amount, max(l.price_digits + l.quantity_digits) AS digits,
           sum(l.quantity) AS quantity, sum(l.cost) AS cost, max(l.cost_digits) AS cost_digits
      FROM closing f
      JOIN partial l ON l.order_key = f.order_key AND l.currency = f.currency
       AND (l.position, l.tie_breaker, l.event_id) < (f.position, f.tie_breaker, f.event_id)
     GROUP BY ALL
), given AS (
    SELECT dataset, subject, order_key, occurred_at, position, tie_breaker, event_id, source, bot, currency, sku,
           price * quantity AS amount, price_digits + quantity_digits AS amount_digits, quantity, quantity_digits, cost,
           cost_digits
      FROM partial
     WHERE amount IS NOT NULL
     UNION ALL
    SELECT f.dataset, f.subject, f.order_key, f.occurred_at, f.position, f.tie_breaker, f.event_id, f.source, f.bot,
           f.currency, o.sku, o.amount - coalesce(e.amount, 0), greatest(o.digits, coalesce(e.digits, 0)),
           CASE WHEN sign(o.quantity) * (o.quantity - coalesce(e.quantity, 0)) > 0 THEN o.quantity - coalesce(e.quantity, 0)
                ELSE 0 END, o.quantity_digits, greatest(coalesce(o.cost, 0) - coalesce(e.cost, 0), 0),
           greatest(coalesce(o.cost_digits, 0), coalesce(e.cost_digits, 0))
      FROM closing f
      JOIN ordered o ON o.order_key = f.order_key
      LEFT JOIN earlier e ON e.order_key = f.order_key AND e.sku = o.sku
     WHERE f.amount IS NOT NULL AND sign(o.amount) * (o.amount - coalesce(e.amount, 0)) > 0
), weighed AS (
    SELECT g.*, coalesce(r.amount, 0) AS stated, coalesce(r.amount_digits, 0) AS stated_digits,
           sum(g.amount) OVER refund AS goods, max(g.amount_digits) OVER refund AS goods_digits,
           sum(weight(g.amount)) OVER refund AS whole, sum(weight(g.amount)) OVER so_far AS until,
           weight(g.amount) AS weight
      FROM given g
      LEFT JOIN returns r ON r.order_key = g.order_key AND r.event_id = g.event_id
    WINDOW refund AS (PARTITION BY g.order_key, g.event_id),
           so_far AS (PARTITION BY g.order_key, g.event_id ORDER BY g.sku, g.amount ROWS UNBOUNDED PRECEDING)
)
SELECT * EXCLUDE (stated, stated_digits, goods, goods_digits, whole, until, weight),
       CASE WHEN whole = 0 THEN amount
            ELSE amount - divided(goods - stated, greatest(goods_digits, stated_digits, coin_digits(currency)),
                                  until - weight, until, whole)
       END AS net_amount,
       CASE WHEN whole = 0 OR goods = stated THEN amount_digits
            ELSE greatest(amount_digits, goods_digits, stated_digits, coin_digits(currency)) END AS net_digits
  FROM weighed

-- What each refund gives back for products, after discounts and without tax and
-- shipping, and what of these two. A full refund gives back what remains of its order's subtotal less
-- discounts after the partial refunds before it; a further one nothing.
-- name: returns
WITH closing AS (
    SELECT *
      FROM refunds
     WHERE refund_type = 'full'
   QUALIFY row_number() OVER (PARTITION BY order_key ORDER BY position, tie_breaker, event_id) = 1
), earlier AS (
    SELECT f.order_key, sum(p.subtotal_refund - coalesce(p.discount_refund, 0)) AS amount,
           max(greatest(p.subtotal_refund_digits, coalesce(p.discount_refund_digits, 0))) AS digits,
           coalesce(sum(p.tax_refund), 0) AS tax, coalesce(max(p.tax_refund_digits), 0) AS tax_digits,
           coalesce(sum(p.shipping_refund), 0) AS shipping, coalesce(max(p.shipping_refund_digits), 0) AS shipping_digits
      FROM closing f
      JOIN refunds p ON p.order_key = f.order_key AND p.refund_type = 'partial' AND p.currency = f.currency
       AND (p.position, p.tie_breaker, p.event_id) < (f.position, f.tie_breaker, f.event_id)
     GROUP BY ALL
)
SELECT order_key, event_id, occurred_at, source, bot, currency, subtotal_refund - coalesce(discount_refund, 0) AS amount,
       greatest(subtotal_refund_digits, coalesce(discount_refund_digits, 0)) AS amount_digits,
       coalesce(tax_refund, 0) AS tax, coalesce(tax_refund_digits, 0) AS tax_digits,
       coalesce(shipping_refund, 0) AS shipping, coalesce(shipping_refund_digits, 0) AS shipping_digits
  FROM refunds
 WHERE refund_type = 'partial' AND amount IS NOT NULL
 UNION ALL
SELECT f.order_key, f.event_id, f.occurred_at, f.source, f.bot, f.currency,
       greatest(o.subtotal - coalesce(o.total_discount, 0) - coalesce(e.amount, 0), 0),
       greatest(o.subtotal_digits, coalesce(o.total_discount_digits, 0), coalesce(e.digits, 0)),
       greatest(coalesce(o.total_tax, 0) - coalesce(e.tax, 0), 0),
       greatest(coalesce(o.total_tax_digits, 0), coalesce(e.tax_digits, 0)),
       greatest(coalesce(o.total_shipping, 0) - coalesce(e.shipping, 0), 0),
       greatest(coalesce(o.total_shipping_digits, 0), coalesce(e.shipping_digits, 0))
  FROM closing f
  JOIN orders o ON o.order_key = f.order_key
  LEFT JOIN earlier e ON e.order_key = f.order_key
 WHERE f.amount IS NOT NULL

-- What refunds give back of what orders leave without tax and shipping, and of the
-- cost of their goods, so far as it is known: the goods of a partial refund at the
-- least cost that its order's lines of the product have, of a full one what is left.
-- name: reversals
WITH closing AS (
    SELECT *
      FROM refunds
     WHERE refund_type = 'full'
   QUALIFY row_number() OVER (PARTITION BY order_key ORDER BY position, tie_breaker, event_id) = 1
), costs AS (
    SELECT order_key, sku, min(cost) AS cost, max(cost_digits) AS digits
      FROM order_lines
     WHERE cost IS NOT NULL
     GROUP BY ALL
), partial AS (
    SELECT p.*, p.amount - coalesce(p.tax_refund, 0) - coalesce(p.shipping_refund, 0) AS revenue,
           greatest(p.amount_digits, coalesce(p.tax_refund_digits, 0), coalesce(p.shipping_refund_digits, 0)) AS digits,
           coalesce(b.cost, 0) AS cost, coalesce(b.digits, 0) AS cost_digits
      FROM refunds p
      LEFT JOIN (
        SELECT l.order_key, l.event_id, sum(c.cost * l.quantity) AS cost, max(c.digits + l.quantity_digits) AS digits
          FROM refund_lines l
          JOIN costs c ON c.order_key = l.order_key AND c.sku = l.sku
         GROUP BY ALL
      ) AS b ON b.order_key = p.order_key AND b.event_id = p.event_id
     WHERE p.refund_type = 'partial' AND p.amount IS NOT NULL
), earlier AS (
    SELECT f.order_key, sum(p.revenue) AS revenue, max(p.digits) AS digits, sum(p.cost) AS cost,
           max(p.cost_digits) AS cost_digits
      FROM closing f
      JOIN partial p ON p.order_key = f.order_key AND p.currency = f.currency
       AND (p.position, p.tie_breaker, p.event_id) < (f.position, f.tie_breaker, f.event_id)
     GROUP BY ALL
), whole AS (
    SELECT order_key, sum(cost * quantity) AS cost, max(cost_digits + quantity_digits) AS digits
      FROM order_lines
     WHERE cost IS NOT NULL
     GROUP BY ALL
)
SELECT order_key, occurred_at, source, bot, currency, revenue, digits, cost, cost_digits FROM partial
 UNION ALL
SELECT f.order_key, f.occurred_at, f.source, f.bot, f.currency,
       greatest(o.total - coalesce(o.total_tax, 0) - coalesce(o.total_shipping, 0) - coalesce(e.revenue, 0), 0),
       greatest(o.total_digits, coalesce(o.total_tax_digits, 0), coalesce(o.total_shipping_digits, 0), coalesce(e.digits, 0)),
       greatest(coalesce(w.cost, 0) - coalesce(e.cost, 0), 0), greatest(coalesce(w.digits, 0), coalesce(e.cost_digits, 0))
  FROM closing f
  JOIN orders o ON o.order_key = f.order_key
  LEFT JOIN whole w ON w.order_key = f.order_key
  LEFT JOIN earlier e ON e.order_key = f.order_key
 WHERE f.amount IS NOT NULL

-- Events as funnels see them, of each table that has some. What sums stand for is no event.
-- name: steps_of_page_views
SELECT dataset, subject, occurred_at, position, tie_breaker, event_id, source, bot, 'page_view' AS type, page_type,
       campaign, campaign_encoded, false AS free
  FROM page_views
 WHERE NOT summed

-- name: steps_of_product_views
SELECT dataset, subject, occurred_at, position, tie_breaker, event_id, source, bot, 'product_view' AS type,
       NULL::VARCHAR AS page_type, campaign, false AS campaign_encoded, false AS free
  FROM product_views

-- name: steps_of_searches
SELECT dataset, subject, occurred_at, position, tie_breaker, event_id, source, bot, 'search' AS type,
       NULL::VARCHAR AS page_type, campaign, false AS campaign_encoded, false AS free
  FROM searches

-- name: steps_of_other_events
SELECT dataset, subject, occurred_at, position, tie_breaker, event_id, source, bot, type, page_type, campaign,
       campaign_encoded, free
  FROM other_events
