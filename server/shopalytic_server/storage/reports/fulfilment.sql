-- Parcels. A day is 24 hours here, so no time zone is needed.

-- A row per carrier, and one for each value of a breakdown (carrier NULL), which
-- without one is that of all together. Waits are whole
-- microseconds: the two middle ones, which of an odd count are the same, and the
-- one that nine in ten do not exceed.
-- name: carriers
WITH timed AS MATERIALIZED (
    SELECT p.carrier, p.by_1, p.by_2, p.date_shipped, p.date_delivered, o.ordered_at,
           epoch_us(p.date_shipped) - epoch_us(o.ordered_at) AS to_shipped,
           epoch_us(p.date_delivered) - epoch_us(p.date_shipped) AS to_delivered,
           coalesce(p.date_delivered > o.ordered_at + to_hours(24 * $promised_days::INTEGER), false) AS late,
           EXISTS (SELECT 1 FROM refunds f
                    WHERE f.order_key = p.order_key AND f.occurred_at > p.date_delivered) AS refunded_later
      FROM counted_parcels p
      LEFT JOIN orders o ON o.order_key = p.order_key
     WHERE coalesce(p.date_shipped, o.ordered_at, p.first_at) >= $from_at::TIMESTAMP
       AND coalesce(p.date_shipped, o.ordered_at, p.first_at) < $to_at::TIMESTAMP
), grouped AS (
    SELECT carrier, by_1, by_2, count(*) AS parcels,
           count(*) FILTER (WHERE date_shipped IS NOT NULL AND date_delivered IS NULL) AS on_the_way,
           count(date_delivered) AS delivered,
           count(*) FILTER (WHERE date_delivered IS NOT NULL AND ordered_at IS NOT NULL) AS delivered_of_order,
           count(*) FILTER (WHERE late) AS late,
           count(*) FILTER (WHERE late AND refunded_later) AS refunded_after_late,
           list(to_shipped ORDER BY to_shipped) FILTER (WHERE to_shipped IS NOT NULL) AS shipping,
           list(to_delivered ORDER BY to_delivered) FILTER (WHERE to_delivered IS NOT NULL) AS delivering
      FROM timed
     GROUP BY GROUPING SETS ((carrier), (by_1, by_2))
)
SELECT * EXCLUDE (shipping, delivering),
       [shipping[(len(shipping) + 1) // 2], shipping[len(shipping) // 2 + 1]] AS to_shipped,
       shipping[(9 * len(shipping) + 9) // 10] AS to_shipped_90,
       [delivering[(len(delivering) + 1) // 2], delivering[len(delivering) // 2 + 1]] AS to_delivered,
       delivering[(9 * len(delivering) + 9) // 10] AS to_delivered_90
  FROM grouped
 ORDER BY carrier, parcels DESC, by_1, by_2

-- What was said of the parcels of a row.
-- name: explain_parcels
SELECT c.dataset, CASE WHEN c.carrier IS NULL THEN 'shipment_delivered' ELSE 'shipment' END AS type,
       c.occurred_at, c.position, c.tie_breaker, c.event_id
  FROM counted_parcels p
  LEFT JOIN orders o ON o.order_key = p.order_key
  JOIN shipment_changes c ON c.dataset = p.dataset AND c.shipment = p.shipment
 WHERE coalesce(p.date_shipped, o.ordered_at, p.first_at) >= $from_at::TIMESTAMP
   AND coalesce(p.date_shipped, o.ordered_at, p.first_at) < $to_at::TIMESTAMP
   AND ($carrier::VARCHAR IS NULL OR p.carrier = $carrier)
