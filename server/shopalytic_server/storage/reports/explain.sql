-- Some events whole, newest first, up to so many bytes; `found` tells how many
-- there are of those asked for. The arrays of datasets and ids are parallel.
-- name: bodies
WITH wanted AS (
    SELECT e.dataset_id, e.event_id, e.type, e.occurred_at, e.stated_at, e.received_at, e.corrected_at, e.tracking_id,
           e.identity, e.source, e.properties, e.context, e.tie_breaker, e.bot,
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
