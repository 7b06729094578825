-- Quantities that are no whole numbers, or negative. Where one is given it counts
-- instead of `qty`, which is then the nearest whole number.
ALTER TABLE order_items ADD COLUMN quantity numeric;
ALTER TABLE refund_items ADD COLUMN quantity numeric;
ALTER TABLE order_revisions ADD COLUMN quantity numeric;
-- `removed` is what a cart_modify takes off a line that keeps the rest.
ALTER TABLE cart_changes ADD COLUMN quantity numeric, ADD COLUMN removed numeric;

-- A line holds what was last set, plus what was added since, less what was taken off
-- since; `qty` to the nearest whole number.
CREATE OR REPLACE VIEW cart_lines AS
WITH marked AS (
    SELECT c.dataset_id, c.cart_id, c.sku, c.occurred_at, c.event_id, c.added, c.qty, c.quantity, c.removed, c.price,
           c.currency, c.modified_at, c.tie_breaker,
           count(*) FILTER (WHERE NOT added AND qty IS NOT NULL) OVER (
               PARTITION BY dataset_id, cart_id, sku
               ORDER BY cart_position(added, occurred_at) DESC, tie_breaker DESC, event_id DESC) AS sets_since
      FROM cart_changes c
), held AS (
    SELECT dataset_id, cart_id, sku,
           coalesce(sum(coalesce(quantity, qty))
                        FILTER (WHERE added AND sets_since = 0 OR NOT added AND sets_since = 1), 0)
               - coalesce(sum(removed) FILTER (WHERE sets_since = 0), 0) AS quantity,
           (array_agg(price ORDER BY cart_position(added, occurred_at) DESC, tie_breaker DESC, event_id DESC)
               FILTER (WHERE price IS NOT NULL))[1] AS price,
           (array_agg(currency ORDER BY cart_position(added, occurred_at) DESC, tie_breaker DESC, event_id DESC)
               FILTER (WHERE price IS NOT NULL))[1] AS currency,
           max(modified_at) AS changed_at
      FROM marked
     GROUP BY dataset_id, cart_id, sku
)
SELECT dataset_id, cart_id, sku, round(quantity)::bigint AS qty, price, currency, changed_at, quantity
  FROM held;

CREATE OR REPLACE VIEW order_lines AS
SELECT i.dataset_id, i.order_id, i.line, i.sku, i.price, i.qty, i.cost, r.currency, r.ordered_at, r.subject,
       coalesce(i.quantity, i.qty) AS quantity
  FROM order_items i
  JOIN order_revisions r USING (dataset_id, order_id, content)
 WHERE r.current;
