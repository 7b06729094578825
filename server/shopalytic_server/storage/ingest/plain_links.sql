-- Identify calls that join nobody.

-- A call is new where nothing was ever said of its device, and says nothing new where
-- the device's owner was named by an earlier one, in the order of events. An identity
-- that has a customer keeps it: whose device is new adds nobody to it.
-- name: store_plain_links
WITH call AS (
    SELECT *
      FROM unnest(%(subjects)s::uuid[], %(tracking_ids)s::text[], %(identities)s::text[], %(customers)s::uuid[],
                  %(occurred)s::timestamptz[], %(event_ids)s::uuid[], %(received)s::timestamptz[],
                  %(tie_breakers)s::bigint[])
           AS c (subject, tracking_id, identity, customer_id, occurred_at, event_id, received_at, tie_breaker)
), known AS (
    SELECT c.event_id, i.customer_id
      FROM call c
      JOIN tracking_links l ON l.dataset_id = %(dataset)s AND l.subject = c.subject AND l.identity = c.identity
      JOIN identities i ON i.dataset_id = %(dataset)s AND i.identity = c.identity
     WHERE l.owner
       AND (event_position(l.kind, NULL, l.occurred_at), tie_order(l.tie_breaker), l.event_id)
           <= (event_position('identify', NULL, c.occurred_at), tie_order(c.tie_breaker), c.event_id)
), fresh AS (
    SELECT c.*, i.customer_id AS known_as,
           EXISTS (SELECT FROM events e WHERE e.dataset_id = %(dataset)s AND e.subject = c.subject) AS has_past
      FROM call c
      LEFT JOIN identities i ON i.dataset_id = %(dataset)s AND i.identity = c.identity
     WHERE NOT EXISTS (SELECT FROM tracking_links l WHERE l.dataset_id = %(dataset)s AND l.subject = c.subject)
       AND NOT EXISTS (SELECT FROM alias_links a
                        WHERE a.dataset_id = %(dataset)s AND a.existing_tracking_id = c.tracking_id
                          AND a.existing_tracking_id <> '')
       AND NOT EXISTS (SELECT FROM undone_merges u
                        WHERE u.dataset_id = %(dataset)s AND u.identity = c.identity
                          AND u.existing_tracking_id = c.tracking_id)
), noted AS (
    INSERT INTO customer_changes (dataset_id, subject, customer_id)
    SELECT %(dataset)s, subject, subject FROM fresh
), named AS (
    INSERT INTO identities (dataset_id, identity, subject, customer_id, first_at)
    SELECT %(dataset)s, identity, customer_id, customer_id, occurred_at FROM fresh
     ORDER BY identity
        ON CONFLICT (dataset_id, identity) DO UPDATE SET first_at = excluded.first_at
     WHERE excluded.first_at < identities.first_at
), linked AS (
    INSERT INTO tracking_links (dataset_id, subject, identity, tracking_id, kind, occurred_at, event_id,
                                received_at, owner, tie_breaker)
    SELECT %(dataset)s, subject, identity, tracking_id, 'identify', occurred_at, event_id, received_at, true,
           tie_breaker
      FROM fresh
)
SELECT event_id, customer_id, true AS again, false AS is_new, false AS has_past FROM known
 UNION ALL
SELECT event_id, coalesce(known_as, customer_id), false, known_as IS NULL, has_past FROM fresh
