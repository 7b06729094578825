-- Erasing and exporting a person.

-- An erasure holds a lock that this one waits for.
-- name: wait_for_erasures
LOCK TABLE event_keys IN ROW EXCLUSIVE MODE

-- name: tombstones_exist
SELECT EXISTS (SELECT 1 FROM tombstones)

-- name: salts
SELECT project_id, salt FROM tombstone_salts WHERE project_id = ANY(%(projects)s::int[])

-- name: find_tombstones
SELECT t.dataset_id, t.mark
  FROM unnest(%(datasets)s::int[], %(marks)s::uuid[]) AS carried (dataset_id, mark)
  JOIN tombstones t USING (dataset_id, mark)

-- name: make_salt
INSERT INTO tombstone_salts (project_id, salt) VALUES (%(project)s, %(salt)s) ON CONFLICT DO NOTHING

-- name: leave_tombstones
INSERT INTO tombstones (dataset_id, mark, erased_at)
SELECT %(dataset)s, mark, %(erased_at)s FROM unnest(%(marks)s::uuid[]) AS mark
    ON CONFLICT DO NOTHING

-- Ingest, rebuilds and other erasures wait, and those under way end first.
-- name: hold_ingest
LOCK TABLE event_keys IN SHARE ROW EXCLUSIVE MODE

-- Events of others that came from the person's devices. Without an index, as
-- this is rare: all events are read once.
-- name: unlink_others
UPDATE events SET tracking_id = NULL
 WHERE dataset_id = %(dataset)s AND tracking_id = ANY(%(tracking_ids)s) AND subject <> ALL(%(subjects)s)
   AND occurred_at >= %(since)s::timestamptz

-- Not those that another customer has: of them the person only said so.
-- name: emails
SELECT DISTINCT coalesce(email, unproved_email) AS email FROM profile_changes
 WHERE dataset_id = %(dataset)s AND subject = ANY(%(subjects)s) AND coalesce(email, unproved_email) IS NOT NULL
   AND email_lost_at IS NULL

-- name: own_orders
SELECT DISTINCT order_id FROM order_revisions
 WHERE dataset_id = %(dataset)s AND subject = ANY(%(subjects)s) AND current
 UNION
SELECT DISTINCT order_id FROM order_revisions
 WHERE dataset_id = %(dataset)s AND subject = ANY(%(subjects)s) AND voided

-- The events that orders which count are made of.
-- name: counted_orders
SELECT o.order_id, o.event_id
  FROM order_revisions o
  JOIN order_revisions c ON c.dataset_id = o.dataset_id AND c.order_id = o.order_id AND c.current
 WHERE o.dataset_id = %(dataset)s AND o.order_id = ANY(%(order_ids)s)

-- What is to go: the person's events, whatever anybody sent of their orders,
-- aliases that others gave themselves with the person's names, and what they sent of
-- themselves with the person's emails.
-- name: doomed_events
WITH of_orders AS MATERIALIZED (
    SELECT subject, occurred_at, event_id FROM order_revisions
     WHERE dataset_id = %(dataset)s AND order_id = ANY(%(order_ids)s)
     UNION ALL
    SELECT subject, occurred_at, event_id FROM order_statements
     WHERE dataset_id = %(dataset)s AND order_id = ANY(%(order_ids)s)
     UNION
    SELECT subject, occurred_at, event_id FROM refunds
     WHERE dataset_id = %(dataset)s AND order_id = ANY(%(order_ids)s)
     UNION ALL
    SELECT subject, occurred_at, event_id FROM shipment_changes
     WHERE dataset_id = %(dataset)s AND order_id = ANY(%(order_ids)s)
)
SELECT e.subject, e.occurred_at, e.event_id, e.received_at, e.type, e.source, e.bot, e.properties, e.tie_breaker, e.plain_dates, true AS own
  FROM events e
 WHERE e.dataset_id = %(dataset)s AND e.subject = ANY(%(subjects)s)
 UNION ALL
SELECT e.subject, e.occurred_at, e.event_id, e.received_at, e.type, e.source, e.bot, e.properties, e.tie_breaker, e.plain_dates, false
  FROM of_orders o
  JOIN events e ON e.dataset_id = %(dataset)s AND e.subject = o.subject AND e.occurred_at = o.occurred_at
       AND e.event_id = o.event_id
 WHERE e.subject <> ALL(%(subjects)s)
 UNION ALL
SELECT e.subject, e.occurred_at, e.event_id, e.received_at, e.type, e.source, e.bot, e.properties, e.tie_breaker, e.plain_dates, false
  FROM events e
 WHERE e.dataset_id = %(dataset)s AND e.subject = ANY(%(namers)s) AND e.subject <> ALL(%(subjects)s)
   AND e.type = 'alias' AND e.properties ->> 'identity' = ANY(%(identities)s)
 UNION ALL
SELECT e.subject, e.occurred_at, e.event_id, e.received_at, e.type, e.source, e.bot, e.properties, e.tie_breaker, e.plain_dates, false
  FROM (
    SELECT p.subject, p.occurred_at, p.event_id FROM profile_changes p
     WHERE p.dataset_id = %(dataset)s AND p.email_lost_at IS NOT NULL
       AND lower(p.unproved_email) = ANY(SELECT lower(email) FROM unnest(%(emails)s::text[]) AS own (email))
     UNION ALL
    SELECT p.subject, p.occurred_at, p.event_id FROM profile_changes p
     WHERE p.dataset_id = %(dataset)s AND p.email_lost_at IS NOT NULL
       AND lower(p.email) = ANY(SELECT lower(email) FROM unnest(%(emails)s::text[]) AS own (email))
  ) AS p
  JOIN events e ON e.dataset_id = %(dataset)s AND e.subject = p.subject AND e.occurred_at = p.occurred_at
       AND e.event_id = p.event_id
 WHERE e.subject <> ALL(%(subjects)s)

-- When the facts of what is to go count.
-- name: times_of_facts
SELECT unnest(ARRAY[occurred_at, ordered_at]) AS at FROM order_revisions
 WHERE dataset_id = %(dataset)s AND order_id = ANY(%(order_ids)s)
 UNION ALL
SELECT occurred_at FROM refunds WHERE dataset_id = %(dataset)s AND order_id = ANY(%(order_ids)s)
 UNION ALL
SELECT modified_at FROM cart_changes
 WHERE dataset_id = %(dataset)s AND cart_id = ANY(%(cart_ids)s) AND event_id = ANY(%(event_ids)s)
 UNION ALL
SELECT occurred_at FROM page_quarters
 WHERE dataset_id = %(dataset)s AND subject = ANY(%(subjects)s || %(event_subjects)s)
 UNION ALL
SELECT occurred_at FROM events
 WHERE dataset_id = %(dataset)s AND subject = ANY(%(event_subjects)s) AND event_id = ANY(%(event_ids)s)

-- name: namers
SELECT existing_identity, existing_tracking_id FROM alias_links
 WHERE dataset_id = %(dataset)s AND identity = ANY(%(identities)s)

-- name: last_views
SELECT seen_event_id FROM products
 WHERE dataset_id = %(dataset)s AND sku = ANY(%(skus)s) AND seen_event_id = ANY(%(event_ids)s)
 UNION
SELECT categories_event_id FROM products
 WHERE dataset_id = %(dataset)s AND sku = ANY(%(skus)s) AND categories_event_id = ANY(%(event_ids)s)

-- name: delete_events
DELETE FROM events e
 USING unnest(%(subjects)s::uuid[], %(times)s::timestamptz[], %(event_ids)s::uuid[])
       AS gone (subject, occurred_at, event_id)
 WHERE e.dataset_id = %(dataset)s AND e.subject = gone.subject AND e.occurred_at = gone.occurred_at
   AND e.event_id = gone.event_id

-- name: delete_event_keys
DELETE FROM event_keys WHERE dataset_id = %(dataset)s AND event_id = ANY(%(event_ids)s)

-- name: delete_profile_changes
DELETE FROM profile_changes WHERE dataset_id = %(dataset)s AND event_id = ANY(%(event_ids)s)
   AND subject = ANY(%(event_subjects)s)

-- name: delete_cart_changes
DELETE FROM cart_changes WHERE dataset_id = %(dataset)s AND event_id = ANY(%(event_ids)s)
   AND cart_id = ANY(%(cart_ids)s)

-- name: delete_order_items
DELETE FROM order_items i USING order_revisions r
 WHERE r.dataset_id = %(dataset)s AND r.event_id = ANY(%(event_ids)s) AND r.order_id = ANY(%(order_ids)s)
   AND i.dataset_id = r.dataset_id AND i.order_id = r.order_id AND i.content = r.content

-- name: delete_order_revisions
DELETE FROM order_revisions WHERE dataset_id = %(dataset)s AND event_id = ANY(%(event_ids)s)
   AND order_id = ANY(%(order_ids)s)

-- name: delete_order_statements
DELETE FROM order_statements WHERE dataset_id = %(dataset)s AND event_id = ANY(%(event_ids)s)
   AND order_id = ANY(%(order_ids)s)

-- name: delete_refund_items
DELETE FROM refund_items WHERE dataset_id = %(dataset)s AND event_id = ANY(%(event_ids)s)
   AND order_id = ANY(%(order_ids)s)

-- name: delete_refunds
DELETE FROM refunds WHERE dataset_id = %(dataset)s AND event_id = ANY(%(event_ids)s)
   AND order_id = ANY(%(order_ids)s)

-- name: delete_shipment_changes
DELETE FROM shipment_changes WHERE dataset_id = %(dataset)s AND event_id = ANY(%(event_ids)s)
   AND shipment_id = ANY(%(shipment_ids)s)

-- name: delete_tracking_links
DELETE FROM tracking_links
 WHERE dataset_id = %(dataset)s AND (tracking_id = ANY(%(tracking_ids)s) AND subject = ANY(%(subjects)s)
                                     OR identity = ANY(%(identities)s))

-- name: delete_alias_links
DELETE FROM alias_links
 WHERE dataset_id = %(dataset)s
   AND (identity = ANY(%(identities)s) OR existing_identity = ANY(%(identities)s)
        OR existing_tracking_id = ANY(%(tracking_ids)s))

-- name: delete_undone_merges
DELETE FROM undone_merges
 WHERE dataset_id = %(dataset)s
   AND (identity = ANY(%(identities)s) OR existing_identity = ANY(%(identities)s)
        OR existing_tracking_id = ANY(%(tracking_ids)s))

-- name: delete_identities
DELETE FROM identities WHERE dataset_id = %(dataset)s AND identity = ANY(%(identities)s)

-- What may hold one of the texts, in any case of its ASCII letters, or hides texts behind JSON's escapes;
-- whether it does, is looked at outside.
-- name: suspects
SELECT q.fingerprint, q.status, q.received_at, q.violations, q.event
  FROM quarantine q
 CROSS JOIN LATERAL (SELECT lower(encode(q.event, 'escape')) AS text) AS kept
 WHERE q.dataset_id = %(dataset)s
   AND (EXISTS (SELECT 1 FROM unnest(%(texts)s::text[]) AS named (text)
                 WHERE position(lower(encode(convert_to(named.text, 'UTF8'), 'escape')) IN kept.text) > 0)
        OR position('\\u' IN kept.text) > 0)

-- name: delete_quarantine
DELETE FROM quarantine WHERE dataset_id = %(dataset)s AND fingerprint = ANY(%(fingerprints)s)

-- name: replace_quarantined
UPDATE quarantine SET event = %(event)s WHERE dataset_id = %(dataset)s AND fingerprint = %(fingerprint)s

-- name: export_events
SELECT to_jsonb(e) - 'dataset_id' FROM events e
 WHERE dataset_id = %(dataset)s AND subject = ANY(%(subjects)s) ORDER BY occurred_at, event_id

-- Of page views that may have been removed the sums are all that is held.
-- name: export_rows
SELECT 'identities', to_jsonb(t) - 'dataset_id' FROM identities t
 WHERE dataset_id = %(dataset)s AND identity = ANY(%(identities)s)
 UNION ALL
SELECT 'tracking_links', to_jsonb(t) - 'dataset_id' FROM tracking_links t
 WHERE dataset_id = %(dataset)s AND (identity = ANY(%(identities)s) OR subject = ANY(%(subjects)s))
 UNION ALL
SELECT 'alias_links', to_jsonb(t) - 'dataset_id' FROM alias_links t
 WHERE dataset_id = %(dataset)s
   AND (identity = ANY(%(identities)s) OR existing_identity = ANY(%(identities)s)
        OR existing_tracking_id = ANY(%(tracking_ids)s))
 UNION ALL
SELECT 'undone_merges', to_jsonb(t) - 'dataset_id' FROM undone_merges t
 WHERE dataset_id = %(dataset)s
   AND (identity = ANY(%(identities)s) OR existing_identity = ANY(%(identities)s)
        OR existing_tracking_id = ANY(%(tracking_ids)s))
 UNION ALL
SELECT 'profile_changes', to_jsonb(t) - 'dataset_id' FROM profile_changes t
 WHERE dataset_id = %(dataset)s AND subject = ANY(%(subjects)s)
 UNION ALL
SELECT 'cart_changes', to_jsonb(t) - 'dataset_id' FROM cart_changes t
 WHERE dataset_id = %(dataset)s AND subject = ANY(%(subjects)s)
 UNION ALL
SELECT 'order_revisions', to_jsonb(t) - 'dataset_id' FROM order_revisions t
 WHERE dataset_id = %(dataset)s AND (subject = ANY(%(subjects)s) OR order_id = ANY(%(order_ids)s))
 UNION ALL
SELECT 'order_statements', to_jsonb(t) - 'dataset_id' FROM order_statements t
 WHERE dataset_id = %(dataset)s AND (subject = ANY(%(subjects)s) OR order_id = ANY(%(order_ids)s))
 UNION ALL
SELECT 'order_items', to_jsonb(t) - 'dataset_id' FROM order_items t
 WHERE dataset_id = %(dataset)s AND order_id = ANY(%(order_ids)s)
 UNION ALL
SELECT 'refunds', to_jsonb(t) - 'dataset_id' FROM refunds t
 WHERE dataset_id = %(dataset)s AND (subject = ANY(%(subjects)s) OR order_id = ANY(%(order_ids)s))
 UNION ALL
SELECT 'refund_items', to_jsonb(t) - 'dataset_id' FROM refund_items t
 WHERE dataset_id = %(dataset)s AND order_id = ANY(%(order_ids)s)
 UNION ALL
SELECT 'shipment_changes', to_jsonb(t) - 'dataset_id' FROM shipment_changes t
 WHERE dataset_id = %(dataset)s AND (subject = ANY(%(subjects)s) OR order_id = ANY(%(order_ids)s))
 UNION ALL
SELECT 'page_quarters', to_jsonb(t) - 'dataset_id' FROM page_quarters t
  JOIN expirations x ON x.dataset_id = t.dataset_id AND x.type = 'page_view' AND t.occurred_at < x.before
 WHERE t.dataset_id = %(dataset)s AND t.subject = ANY(%(subjects)s)

-- Not the people who sign in: what is done about them has another action.
-- name: forget_in_audit
UPDATE audit
SET subject = %(erased)s
WHERE project_id = %(project_id)s AND subject = ANY(%(names)s::text[])
    AND action NOT IN ('AddUser', 'UpdateUser', 'RemoveUser', 'ResetPassword', 'EndSessions')
