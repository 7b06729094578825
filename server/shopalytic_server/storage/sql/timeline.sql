-- A customer's events, newest first.

-- Each subject's newest events come from the primary key's index; only they
-- are sorted together. `before_at` stands twice because partitions are ruled
-- out by it alone, not by the comparison of pairs. A page ends where its JSON
-- grows beyond `max_bytes`, but has at least one event; `found` tells whether
-- more follow.
-- name: page
WITH newest AS (
    SELECT e.*
      FROM unnest(%(subjects)s::uuid[]) AS m (subject)
     CROSS JOIN LATERAL (
        SELECT e.event_id, e.type, e.occurred_at, e.received_at, e.corrected_at, e.tracking_id, e.identity,
               e.source, e.properties, e.context
          FROM events e
         WHERE e.dataset_id = %(dataset)s AND e.subject = m.subject
           AND e.occurred_at <= %(before_at)s::timestamptz
           AND (e.occurred_at, e.event_id) < (%(before_at)s::timestamptz, %(before_id)s::uuid)
           AND (%(types)s::text[] IS NULL OR e.type = ANY(%(types)s::text[]))
         ORDER BY e.occurred_at DESC, e.event_id DESC
         LIMIT %(limit)s
      ) AS e
     ORDER BY e.occurred_at DESC, e.event_id DESC
     LIMIT %(limit)s
), sized AS (
    SELECT newest.*, count(*) OVER () AS found,
           sum(octet_length(properties::text) + coalesce(octet_length(context::text), 0))
               OVER (ORDER BY occurred_at DESC, event_id DESC
                     ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS bytes_before
      FROM newest
)
SELECT *
  FROM sized
 WHERE coalesce(bytes_before, 0) < %(max_bytes)s
 ORDER BY occurred_at DESC, event_id DESC
