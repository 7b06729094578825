-- Parcels. A day is 24 hours here, so no time zone is needed.

-- The parcels of the range, each as its latest dates and carrier say. Which
-- parcels may be in it is found by each of the times that can decide it.
-- name: parcels
    SELECT p.*, o.ordered_at,
           coalesce(p.date_delivered > o.ordered_at + make_interval(hours => 24 * %(promised_days)s::int),
                    false) AS late
      FROM (
        SELECT c.dataset_id, c.shipment_id, min(c.order_id) AS order_id, min(c.occurred_at) AS first_at,
               coalesce((array_agg(c.carrier ORDER BY parcel_position(c.carrier, c.occurred_at) DESC, c.tie_breaker DESC, c.event_id DESC)
                            FILTER (WHERE c.carrier IS NOT NULL))[1], '') AS carrier,
               (array_agg(c.date_shipped ORDER BY parcel_position(c.carrier, c.occurred_at) DESC, c.tie_breaker DESC, c.event_id DESC)
                   FILTER (WHERE c.date_shipped IS NOT NULL))[1] AS date_shipped,
               (array_agg(c.date_delivered ORDER BY parcel_position(c.carrier, c.occurred_at) DESC, c.tie_breaker DESC, c.event_id DESC)
                   FILTER (WHERE c.date_delivered IS NOT NULL))[1] AS date_delivered,
               (array_agg(c.source ORDER BY parcel_position(c.carrier, c.occurred_at), c.tie_breaker, c.event_id))[1] AS source,
               (array_agg(c.bot ORDER BY parcel_position(c.carrier, c.occurred_at), c.tie_breaker, c.event_id))[1] AS bot
          FROM (
{maybe}
          ) AS maybe
          JOIN shipment_changes c ON c.dataset_id = maybe.dataset_id AND c.shipment_id = maybe.shipment_id
         WHERE c.occurred_at >= %(rows_from)s::timestamptz AND c.occurred_at < %(rows_to)s::timestamptz
         GROUP BY c.dataset_id, c.shipment_id
      ) AS p
      LEFT JOIN order_revisions o ON o.dataset_id = p.dataset_id AND o.order_id = p.order_id AND o.current
       AND o.ordered_at >= %(rows_from)s::timestamptz AND o.ordered_at < %(rows_to)s::timestamptz
     WHERE coalesce(p.date_shipped, o.ordered_at, p.first_at) >= %(from_at)s::timestamptz
       AND coalesce(p.date_shipped, o.ordered_at, p.first_at) < %(to_at)s::timestamptz
       AND (%(source)s::text IS NULL OR p.source = %(source)s::text)
       AND (%(include_bots)s::boolean OR NOT p.bot)

-- name: all_maybe
            SELECT s.dataset_id, s.shipment_id
              FROM shipment_changes s
             WHERE s.dataset_id = ANY(%(datasets)s::int[]) AND s.date_shipped IS NOT NULL
               AND s.date_shipped >= %(from_at)s::timestamptz AND s.date_shipped < %(to_at)s::timestamptz
             UNION
            SELECT s.dataset_id, s.shipment_id
              FROM order_revisions o
              JOIN shipment_changes s ON s.dataset_id = o.dataset_id AND s.order_id = o.order_id
             WHERE o.dataset_id = ANY(%(datasets)s::int[]) AND o.current
               AND o.ordered_at >= %(from_at)s::timestamptz AND o.ordered_at < %(to_at)s::timestamptz
             UNION
            SELECT s.dataset_id, s.shipment_id
              FROM shipment_changes s
             WHERE s.dataset_id = ANY(%(datasets)s::int[])
               AND s.occurred_at >= %(from_at)s::timestamptz AND s.occurred_at < %(to_at)s::timestamptz

-- name: some_maybe
            SELECT *
              FROM unnest(%(member_datasets)s::int[], %(member_parcels)s::text[]) AS m (dataset_id, shipment_id)

-- The parcels that something was said of outside of the days that are kept.
-- name: affected
SELECT count(*) AS members, array_agg(dataset_id)::text AS member_datasets,
       array_agg(shipment_id)::text AS member_parcels
  FROM (
    SELECT s.dataset_id, s.shipment_id
      FROM shipment_changes s
     WHERE s.dataset_id = ANY(%(datasets)s::int[]) AND s.occurred_at < %(rows_from)s::timestamptz
     UNION
    SELECT s.dataset_id, s.shipment_id
      FROM shipment_changes s
     WHERE s.dataset_id = ANY(%(datasets)s::int[]) AND s.occurred_at >= %(rows_to)s::timestamptz
     UNION
    SELECT s.dataset_id, s.shipment_id
      FROM (
        SELECT o.dataset_id, o.order_id FROM order_revisions o
         WHERE o.dataset_id = ANY(%(datasets)s::int[]) AND o.current AND o.ordered_at < %(rows_from)s::timestamptz
         UNION
        SELECT o.dataset_id, o.order_id FROM order_revisions o
         WHERE o.dataset_id = ANY(%(datasets)s::int[]) AND o.current AND o.ordered_at >= %(rows_to)s::timestamptz
         UNION
        SELECT f.dataset_id, f.order_id FROM refunds f
         WHERE f.dataset_id = ANY(%(datasets)s::int[]) AND f.occurred_at < %(rows_from)s::timestamptz
         UNION
        SELECT f.dataset_id, f.order_id FROM refunds f
         WHERE f.dataset_id = ANY(%(datasets)s::int[]) AND f.occurred_at >= %(rows_to)s::timestamptz
      ) AS live
      JOIN shipment_changes s ON s.dataset_id = live.dataset_id AND s.order_id = live.order_id
  ) AS parcels

-- A row per carrier, and one for all together (carrier NULL). Times are whole
-- microseconds, in no order.
-- name: carriers
WITH parcels AS MATERIALIZED (
{parcels}
), timed AS MATERIALIZED (
    SELECT p.*,
           (extract(epoch FROM p.date_shipped - p.ordered_at) * 1000000)::bigint AS to_shipped,
           (extract(epoch FROM p.date_delivered - p.date_shipped) * 1000000)::bigint AS to_delivered,
           p.late AND EXISTS (
               SELECT FROM refunds f
                WHERE f.dataset_id = p.dataset_id AND f.order_id = p.order_id
                  AND f.occurred_at >= %(rows_from)s::timestamptz AND f.occurred_at < %(rows_to)s::timestamptz
                  AND f.occurred_at > p.date_delivered) AS refunded_after_late
      FROM parcels p
), grouped AS (
    SELECT carrier AS carrier_of_row, timed.* FROM timed
     UNION ALL
    SELECT NULL, timed.* FROM timed
)
SELECT carrier_of_row AS carrier, count(*) AS counted, count(*) AS parcels,
       count(*) FILTER (WHERE date_shipped IS NOT NULL AND date_delivered IS NULL) AS on_the_way,
       count(date_delivered) AS delivered,
       count(*) FILTER (WHERE date_delivered IS NOT NULL AND ordered_at IS NOT NULL) AS delivered_of_order,
       count(*) FILTER (WHERE late) AS late,
       count(*) FILTER (WHERE refunded_after_late) AS refunded_after_late,
       coalesce(array_agg(to_shipped) FILTER (WHERE to_shipped IS NOT NULL), '{{}}') AS to_shipped,
       coalesce(array_agg(to_delivered) FILTER (WHERE to_delivered IS NOT NULL), '{{}}') AS to_delivered
  FROM grouped
 GROUP BY carrier_of_row

-- name: explain_parcels
SELECT c.dataset_id, c.subject, c.occurred_at, c.event_id
  FROM (
{parcels}
  ) AS p
  JOIN shipment_changes c ON c.dataset_id = p.dataset_id AND c.shipment_id = p.shipment_id
 WHERE %(carrier)s::text IS NULL OR p.carrier = %(carrier)s::text
