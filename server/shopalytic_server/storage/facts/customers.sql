-- Whose subject each is, for facts.

-- The snapshot, and the last time that much changed at once.
-- name: moment
SELECT pg_current_snapshot()::text,
       coalesce((SELECT max(change_id) FROM customer_changes
                  WHERE dataset_id = ANY({datasets}::int[]) AND subject IS NULL), 0)

-- Links that transactions wrote which a snapshot did not see: `known` is the oldest
-- transaction that may have been running then. More than these do no harm.
-- name: changed
WITH named AS MATERIALIZED (
    SELECT dataset_id, identity, subject FROM identities
     WHERE dataset_id = ANY({datasets}::int[]) AND age(xmin) <= age({known}::xid)
), touched AS (
    SELECT dataset_id, subject FROM named
     UNION
    SELECT dataset_id, subject FROM tracking_links
     WHERE dataset_id = ANY({datasets}::int[]) AND age(xmin) <= age({known}::xid)
     UNION
    SELECT l.dataset_id, l.subject
      FROM named n
      JOIN tracking_links l ON l.dataset_id = n.dataset_id AND l.identity = n.identity
)
SELECT fact_key(s.secret, t.dataset_id, uuid_send(t.subject)),
       fact_key(s.secret, t.dataset_id, uuid_send(coalesce(named.customer_id, owner.customer_id)))
  FROM touched t
 CROSS JOIN fact_store s
  LEFT JOIN identities named ON named.dataset_id = t.dataset_id AND named.subject = t.subject
  LEFT JOIN tracking_links l ON l.dataset_id = t.dataset_id AND l.subject = t.subject AND l.owner
  LEFT JOIN identities owner ON owner.dataset_id = l.dataset_id AND owner.identity = l.identity
