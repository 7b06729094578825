-- The events behind a number, newest first.

-- `behind` is the statement of a kind of number. A page ends where its JSON
-- grows beyond `max_bytes`, but has at least one event; `found` tells whether
-- more follow.
-- name: page
WITH behind AS (
{behind}
), newest AS (
    SELECT b.dataset_id, b.subject, b.occurred_at, b.event_id
      FROM behind b
     WHERE (b.occurred_at, b.event_id) < (%(before_at)s::timestamptz, %(before_id)s::uuid)
     ORDER BY b.occurred_at DESC, b.event_id DESC
     LIMIT %(limit)s
), sized AS (
    SELECT e.event_id, e.type, e.occurred_at, e.received_at, e.corrected_at, e.tracking_id, e.identity,
           e.source, e.properties, e.context, count(*) OVER () AS found,
           sum(octet_length(e.properties::text) + coalesce(octet_length(e.context::text), 0))
               OVER (ORDER BY e.occurred_at DESC, e.event_id DESC
                     ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS bytes_before
      FROM newest n
     CROSS JOIN LATERAL (
        SELECT * FROM events e
         WHERE e.dataset_id = n.dataset_id AND e.subject = n.subject
           AND e.occurred_at = n.occurred_at AND e.event_id = n.event_id
      ) AS e
)
SELECT *
  FROM sized
 WHERE coalesce(bytes_before, 0) < %(max_bytes)s
 ORDER BY occurred_at DESC, event_id DESC
