-- The events behind a number, newest first.

-- `behind` is the statement of a kind of number. It knows times alone: so a page
-- takes whole seconds of its events, from that of the last one that it may need on,
-- and puts these in the order of events. A page ends where its JSON grows beyond
-- `max_bytes`, but has at least one event; `found` tells whether more follow.
-- name: page
WITH behind AS MATERIALIZED (
{behind}
), first AS (
    SELECT min(o.occurred_at) AS at
      FROM (
        SELECT b.occurred_at FROM behind b
         WHERE b.occurred_at < %(second)s::timestamptz
         ORDER BY b.occurred_at DESC
         LIMIT %(limit)s
      ) AS o
), newest AS (
    SELECT e.*
      FROM first
      JOIN behind b ON b.occurred_at < %(end)s::timestamptz
       AND b.occurred_at >= coalesce(date_bin('1 second', first.at, '2000-01-01 00:00:00+00'),
                                     %(second)s::timestamptz)
     CROSS JOIN LATERAL (
        SELECT e.event_id, e.type, e.occurred_at, e.stated_at, e.received_at, e.corrected_at, e.bot, e.tracking_id,
               e.identity, e.source, e.properties, e.context, e.tie_breaker,
               event_position(e.type, e.properties ->> 'refund_type', e.occurred_at) AS place
          FROM events e
         WHERE e.dataset_id = b.dataset_id AND e.subject = b.subject
           AND e.occurred_at = b.occurred_at AND e.event_id = b.event_id
      ) AS e
     WHERE (e.place, tie_order(e.tie_breaker), e.event_id)
           < (%(position)s::bigint, %(tie_breaker)s::bigint, %(event_id)s::uuid)
     ORDER BY e.place DESC, e.tie_breaker DESC, e.event_id DESC
     LIMIT %(limit)s
), sized AS (
    SELECT newest.*, count(*) OVER () AS found,
           sum(octet_length(properties::text) + coalesce(octet_length(context::text), 0))
               OVER (ORDER BY newest.place DESC, tie_breaker DESC, event_id DESC
                     ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS bytes_before
      FROM newest
)
SELECT *
  FROM sized
 WHERE coalesce(bytes_before, 0) < %(max_bytes)s
 ORDER BY place DESC, tie_breaker DESC, event_id DESC

-- Some events whole, newest first, up to so many bytes; `found` tells how many
-- there are of those asked for. The arrays of datasets and ids are parallel.
-- name: bodies
WITH wanted AS (
    SELECT e.event_id, e.type, e.occurred_at, e.stated_at, e.received_at, e.corrected_at, e.tracking_id,
           e.identity, e.source, e.properties, e.context, e.tie_breaker,
           event_position(e.type, e.properties ->> 'refund_type', e.occurred_at) AS place
      FROM events e
     WHERE e.dataset_id = ANY(%(datasets)s::int[]) AND e.type = ANY(%(types)s::text[])
       AND e.occurred_at = ANY(%(times)s::timestamptz[])
       AND (e.dataset_id, e.event_id) IN (
           SELECT * FROM unnest(%(datasets)s::int[], %(event_ids)s::uuid[]))
), sized AS (
    SELECT wanted.*, count(*) OVER () AS found,
           sum(octet_length(properties::text) + coalesce(octet_length(context::text), 0))
               OVER (ORDER BY place DESC, tie_breaker DESC, event_id DESC
                     ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS bytes_before
      FROM wanted
)
SELECT *
  FROM sized
 WHERE coalesce(bytes_before, 0) < %(max_bytes)s
 ORDER BY place DESC, tie_breaker DESC, event_id DESC
