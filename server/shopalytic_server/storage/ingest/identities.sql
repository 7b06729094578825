-- Loading and storing the facts of identity.

-- name: links
SELECT tracking_id, identity, kind, occurred_at, event_id, received_at, tie_breaker,
       EXISTS (SELECT 1 FROM undone_merges u
                WHERE u.dataset_id = l.dataset_id AND u.identity = l.identity AND u.existing_identity = ''
                  AND u.existing_tracking_id = l.tracking_id) AS undone
  FROM tracking_links l
 WHERE dataset_id = %(dataset)s AND subject = ANY(%(subjects)s)
   AND (owner OR identity = ANY(%(identities)s))

-- All identities of the customers that have one of these.
-- name: members
SELECT identity, customer_id, first_at FROM identities
 WHERE dataset_id = %(dataset)s
   AND customer_id = ANY(ARRAY(SELECT customer_id FROM identities
                                WHERE dataset_id = %(dataset)s AND identity = ANY(%(identities)s)))

-- Where identities were used first, within the second in which they were.
-- name: first_uses
SELECT DISTINCT ON (used.identity) used.identity, used.place, tie_order(used.tie_breaker) AS tie_breaker,
       used.event_id
  FROM (
    SELECT identity, event_position(kind, NULL, occurred_at) AS place, tie_breaker, event_id
      FROM tracking_links
     WHERE dataset_id = %(dataset)s AND identity = ANY(%(identities)s)
     UNION ALL
    SELECT identity, event_position('alias', NULL, occurred_at), tie_breaker, event_id
      FROM alias_links
     WHERE dataset_id = %(dataset)s AND identity = ANY(%(identities)s)
     UNION ALL
    SELECT existing_identity, event_position('alias', NULL, occurred_at), tie_breaker, event_id
      FROM alias_links
     WHERE dataset_id = %(dataset)s AND existing_identity = ANY(%(identities)s) AND existing_identity <> ''
     UNION ALL
    SELECT i.identity, event_position(e.type, e.properties ->> 'refund_type', e.occurred_at), e.tie_breaker,
           e.event_id
      FROM identities i
      JOIN events e ON e.dataset_id = i.dataset_id AND e.subject = i.subject
       AND e.occurred_at >= date_bin('1 second', i.first_at, '2000-01-01 00:00:00+00')
       AND e.occurred_at < date_bin('1 second', i.first_at, '2000-01-01 00:00:00+00') + interval '1 second'
     WHERE i.dataset_id = %(dataset)s AND i.identity = ANY(%(identities)s)
  ) AS used
 ORDER BY used.identity, used.place, used.tie_breaker, used.event_id

-- name: linked_identities
SELECT identity FROM tracking_links WHERE dataset_id = %(dataset)s AND subject = %(subject)s

-- name: undone
SELECT identity, existing_identity, existing_tracking_id FROM undone_merges WHERE dataset_id = %(dataset)s

-- name: undone_forms
SELECT identity, existing_identity FROM undone_merges
 WHERE dataset_id = %(dataset)s AND identity = ANY(%(identities)s::text[]) AND existing_tracking_id = ''
   AND existing_identity <> ''

-- Which of these identities are forms of an address that stand apart from the plain one,
-- though nobody took them apart, or are in use before it.
-- name: forms_apart
SELECT f.dataset_id, f.identity, plain_identity(f.identity) AS plain
  FROM identities f
  LEFT JOIN identities p ON p.dataset_id = f.dataset_id AND p.identity = plain_identity(f.identity)
 WHERE f.dataset_id = %(dataset)s AND f.identity = ANY(%(identities)s::text[]) AND plain_identity(f.identity) <> f.identity
   AND (p.identity IS NULL OR p.first_at > f.first_at
        OR p.customer_id <> f.customer_id
           AND NOT EXISTS (SELECT 1 FROM undone_merges u
                            WHERE u.dataset_id = f.dataset_id AND u.identity = f.identity
                              AND u.existing_identity = p.identity AND u.existing_tracking_id = ''))

-- The same of all identities after one, in the order of their plain forms.
-- name: all_forms_apart
SELECT f.dataset_id, f.identity, plain_identity(f.identity) AS plain
  FROM identities f
  LEFT JOIN identities p ON p.dataset_id = f.dataset_id AND p.identity = plain_identity(f.identity)
 WHERE plain_identity(f.identity) <> f.identity
   AND (f.dataset_id, plain_identity(f.identity), f.identity)
       > (%(after_dataset)s::int, %(after_plain)s::text, %(after_identity)s::text)
   AND (p.identity IS NULL OR p.first_at > f.first_at
        OR p.customer_id <> f.customer_id
           AND NOT EXISTS (SELECT 1 FROM undone_merges u
                            WHERE u.dataset_id = f.dataset_id AND u.identity = f.identity
                              AND u.existing_identity = p.identity AND u.existing_tracking_id = ''))
 ORDER BY f.dataset_id, plain_identity(f.identity), f.identity
 LIMIT %(most)s

-- name: aliases
SELECT a.identity, a.existing_identity, a.existing_tracking_id, a.occurred_at, a.event_id, a.received_at, a.tie_breaker,
       EXISTS (SELECT 1 FROM undone_merges u
                WHERE u.dataset_id = %(dataset)s AND u.identity = a.identity
                  AND u.existing_identity = a.existing_identity
                  AND u.existing_tracking_id = a.existing_tracking_id) AS undone
  FROM (
    SELECT identity, existing_identity, existing_tracking_id, occurred_at, event_id, received_at, tie_breaker
      FROM alias_links
     WHERE dataset_id = %(dataset)s AND identity = ANY(%(identities)s)
     UNION
    SELECT identity, existing_identity, existing_tracking_id, occurred_at, event_id, received_at, tie_breaker
      FROM alias_links
     WHERE dataset_id = %(dataset)s AND existing_identity = ANY(%(identities)s) AND existing_identity <> ''
     UNION
    SELECT identity, existing_identity, existing_tracking_id, occurred_at, event_id, received_at, tie_breaker
      FROM alias_links
     WHERE dataset_id = %(dataset)s AND existing_tracking_id = ANY(%(tracking_ids)s)
       AND existing_tracking_id <> ''
  ) AS a

-- name: subjects_with_events
SELECT subject FROM unnest(%(subjects)s::uuid[]) AS wanted (subject)
 WHERE EXISTS (SELECT 1 FROM events e WHERE e.dataset_id = %(dataset)s AND e.subject = wanted.subject)

-- on citus: subjects_with_events
SELECT DISTINCT subject FROM events WHERE dataset_id = %(dataset)s AND subject = ANY(%(subjects)s::uuid[])

-- name: earliest_events
SELECT wanted.subject, first.at
  FROM unnest(%(subjects)s::uuid[]) AS wanted (subject)
 CROSS JOIN LATERAL (SELECT min(e.occurred_at) AS at FROM events e
                      WHERE e.dataset_id = %(dataset)s AND e.subject = wanted.subject) AS first
 WHERE first.at IS NOT NULL

-- on citus: earliest_events
SELECT subject, min(occurred_at) FROM events
 WHERE dataset_id = %(dataset)s AND subject = ANY(%(subjects)s::uuid[])
 GROUP BY subject

-- name: release_owners
UPDATE tracking_links l SET owner = false
  FROM unnest(%(subjects)s::uuid[], %(owners)s::text[]) AS o (subject, identity)
 WHERE l.dataset_id = %(dataset)s AND l.subject = o.subject AND l.owner AND l.identity <> o.identity

-- name: upsert_links
INSERT INTO tracking_links (dataset_id, subject, identity, tracking_id, kind, occurred_at, event_id,
                            received_at, owner, tie_breaker)
SELECT %(dataset)s, * FROM unnest(%(subjects)s::uuid[], %(identities)s::text[], %(tracking_ids)s::text[],
                                  %(kinds)s::text[], %(occurred)s::timestamptz[], %(event_ids)s::uuid[],
                                  %(received)s::timestamptz[], %(owners)s::boolean[],
                                  %(tie_breakers)s::bigint[])
    ON CONFLICT (dataset_id, subject, identity) DO UPDATE
   SET kind = excluded.kind, occurred_at = excluded.occurred_at, event_id = excluded.event_id,
       received_at = excluded.received_at, owner = excluded.owner, tie_breaker = excluded.tie_breaker

-- name: upsert_aliases
INSERT INTO alias_links (dataset_id, identity, existing_identity, existing_tracking_id, occurred_at, event_id,
                         received_at, tie_breaker)
SELECT %(dataset)s, * FROM unnest(%(identities)s::text[], %(existing_identities)s::text[],
                                  %(existing_tracking_ids)s::text[], %(occurred)s::timestamptz[],
                                  %(event_ids)s::uuid[], %(received)s::timestamptz[],
                                  %(tie_breakers)s::bigint[])
    ON CONFLICT (dataset_id, identity, existing_identity, existing_tracking_id) DO UPDATE
   SET occurred_at = excluded.occurred_at, event_id = excluded.event_id, received_at = excluded.received_at,
       tie_breaker = excluded.tie_breaker

-- name: upsert_identities
INSERT INTO identities (dataset_id, identity, subject, customer_id, first_at)
SELECT %(dataset)s, * FROM unnest(%(identities)s::text[], %(subjects)s::uuid[], %(customer_ids)s::uuid[],
                                  %(first_at)s::timestamptz[])
    ON CONFLICT (dataset_id, identity) DO UPDATE
   SET customer_id = excluded.customer_id, first_at = least(identities.first_at, excluded.first_at)

-- Whose customer subjects are before that changes: these ones, and the devices of
-- these identities.
-- name: note_customers
INSERT INTO customer_changes (dataset_id, subject, customer_id)
SELECT %(dataset)s, s.subject, coalesce(named.customer_id, owner.customer_id, s.subject)
  FROM (
    SELECT unnest(%(subjects)s::uuid[]) AS subject
     UNION
    SELECT l.subject FROM tracking_links l
     WHERE l.dataset_id = %(dataset)s AND l.identity = ANY(%(identities)s::text[]) AND l.owner
  ) AS s
  LEFT JOIN identities named ON named.dataset_id = %(dataset)s AND named.subject = s.subject
  LEFT JOIN tracking_links l ON l.dataset_id = %(dataset)s AND l.subject = s.subject AND l.owner
  LEFT JOIN identities owner ON owner.dataset_id = l.dataset_id AND owner.identity = l.identity

-- The plain forms of identities.
-- name: plain_subjects
SELECT p.subject
  FROM identities f
  JOIN identities p ON p.dataset_id = f.dataset_id AND p.identity = plain_identity(f.identity)
 WHERE f.dataset_id = %(dataset)s AND f.subject = ANY(%(subjects)s) AND p.identity <> f.identity

-- Events that named an identity before `expirations` may have been removed, so
-- what is known of it stays. A plain form stays with its other forms: these go first.
-- `used` are the subjects that have events: no statement on Citus may look at these and
-- change what is on every node.
-- name: forget_unused_identities
DELETE FROM identities i
 WHERE i.dataset_id = %(dataset)s AND i.subject = ANY(%(subjects)s)
   AND (plain_identity(i.identity) <> i.identity) = %(forms)s
   AND i.subject <> ALL(%(used)s::uuid[])
   AND NOT EXISTS (SELECT 1 FROM tracking_links l WHERE l.dataset_id = i.dataset_id AND l.identity = i.identity)
   AND NOT EXISTS (SELECT 1 FROM alias_links a WHERE a.dataset_id = i.dataset_id
                      AND i.identity IN (a.identity, a.existing_identity))
   AND NOT EXISTS (SELECT 1 FROM identities f
                    WHERE f.dataset_id = i.dataset_id AND plain_identity(f.identity) = i.identity
                      AND plain_identity(f.identity) <> f.identity)
   AND NOT EXISTS (SELECT 1 FROM expirations x WHERE x.dataset_id = i.dataset_id AND i.first_at < x.before)

-- name: refresh_first_at
UPDATE identities i
   SET first_at = least(
           CASE WHEN EXISTS (SELECT 1 FROM expirations x
                              WHERE x.dataset_id = i.dataset_id AND i.first_at < x.before) THEN i.first_at END,
           (SELECT u.at FROM unnest(%(used)s::uuid[], %(earliest)s::timestamptz[]) AS u (subject, at)
             WHERE u.subject = i.subject),
           (SELECT min(l.occurred_at) FROM tracking_links l
             WHERE l.dataset_id = i.dataset_id AND l.identity = i.identity),
           (SELECT min(a.occurred_at) FROM alias_links a
             WHERE a.dataset_id = i.dataset_id AND i.identity IN (a.identity, a.existing_identity)),
           (SELECT min(f.first_at) FROM identities f
             WHERE f.dataset_id = i.dataset_id AND plain_identity(f.identity) = i.identity
               AND plain_identity(f.identity) <> f.identity))
 WHERE i.dataset_id = %(dataset)s AND i.subject = ANY(%(subjects)s)
   AND (plain_identity(i.identity) <> i.identity) = %(forms)s
