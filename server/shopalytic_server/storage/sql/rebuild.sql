-- The statements of a rebuild.

-- name: hold_ingest
LOCK TABLE event_keys IN SHARE ROW EXCLUSIVE MODE

-- name: count_events
SELECT count(*) FROM events WHERE type <> 'page_view' OR identity IS NOT NULL

-- name: read_events
SELECT e.dataset_id, e.subject, e.occurred_at, e.event_id, e.received_at, e.type, e.tracking_id, e.identity,
       e.source, e.bot, e.properties, p.currency
  FROM events e
  JOIN projects p ON p.project_id = e.dataset_id / 2
 WHERE e.type <> 'page_view' OR e.identity IS NOT NULL

-- name: difference
SELECT count(*) FROM (
    (SELECT * FROM {live} EXCEPT ALL SELECT * FROM {rebuilt})
    UNION ALL
    (SELECT * FROM {rebuilt} EXCEPT ALL SELECT * FROM {live})
) AS differing
