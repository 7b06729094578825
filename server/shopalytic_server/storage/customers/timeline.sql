-- A customer's events, newest first.

-- Each subject's newest events come from the primary key's index, which knows
-- times alone: so a page takes whole seconds of them, from that of the last one
-- that it may need on, and puts these in the order of events. A page ends where its
-- JSON grows beyond `max_bytes`, but has at least one event; `found` tells whether
-- more follow.
-- name: page
WITH newest AS (
    SELECT e.*
      FROM unnest(%(subjects)s::uuid[]) AS m (subject)
     CROSS JOIN LATERAL (
        SELECT min(o.occurred_at) AS at
          FROM (
            SELECT e.occurred_at
              FROM events e
             WHERE e.dataset_id = %(dataset)s AND e.subject = m.subject
               AND e.occurred_at < %(second)s::timestamptz
               AND (%(types)s::text[] IS NULL OR e.type = ANY(%(types)s::text[]))
             ORDER BY e.occurred_at DESC
             LIMIT %(limit)s
          ) AS o
      ) AS first
     CROSS JOIN LATERAL (
        SELECT e.event_id, e.type, e.occurred_at, e.stated_at, e.received_at, e.corrected_at, e.bot, e.tracking_id,
               e.identity, e.source, e.properties, e.context, e.tie_breaker,
               event_position(e.type, e.properties ->> 'refund_type', e.occurred_at) AS place
          FROM events e
         WHERE e.dataset_id = %(dataset)s AND e.subject = m.subject
           AND e.occurred_at < %(end)s::timestamptz
           AND e.occurred_at >= coalesce(date_bin('1 second', first.at, '2000-01-01 00:00:00+00'),
                                         %(second)s::timestamptz)
           AND (%(types)s::text[] IS NULL OR e.type = ANY(%(types)s::text[]))
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

-- The same of all subjects at once: a page of each needs none of the others, but may hold more
-- rows than it shows.
-- on citus: page
WITH newest AS (
    SELECT e.event_id, e.type, e.occurred_at, e.stated_at, e.received_at, e.corrected_at, e.bot, e.tracking_id,
           e.identity, e.source, e.properties, e.context, e.tie_breaker,
           event_position(e.type, e.properties ->> 'refund_type', e.occurred_at) AS place
      FROM events e
     WHERE e.dataset_id = %(dataset)s AND e.subject = ANY(%(subjects)s::uuid[])
       AND e.occurred_at < %(end)s::timestamptz
       AND (%(types)s::text[] IS NULL OR e.type = ANY(%(types)s::text[]))
       AND (event_position(e.type, e.properties ->> 'refund_type', e.occurred_at), tie_order(e.tie_breaker), e.event_id)
           < (%(position)s::bigint, %(tie_breaker)s::bigint, %(event_id)s::uuid)
     ORDER BY place DESC, e.tie_breaker DESC, e.event_id DESC
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

-- How many events there are, up to a number.
-- name: total
SELECT count(*) AS events
  FROM (
    SELECT 1
      FROM unnest(%(subjects)s::uuid[]) AS m (subject)
      JOIN events e ON e.dataset_id = %(dataset)s AND e.subject = m.subject
     WHERE %(types)s::text[] IS NULL OR e.type = ANY(%(types)s::text[])
     LIMIT %(most)s
  ) AS counted
