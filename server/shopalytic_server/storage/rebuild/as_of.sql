-- The store as it was known at a moment.

-- Oldest first, so that a view comes after those it reads.
-- name: views
SELECT c.relname, pg_get_viewdef(c.oid)
  FROM pg_class c
 WHERE c.relkind = 'v' AND c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = {schema})
   AND NOT EXISTS (SELECT 1 FROM pg_depend d
                    WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
 ORDER BY c.oid

-- name: events_of_then
CREATE VIEW pg_temp.events AS
SELECT * FROM {events} WHERE dataset_id = ANY({datasets}::int[]) AND received_at <= {moment}

-- name: undone_by_then
CREATE VIEW pg_temp.undone_merges AS SELECT * FROM {undone_merges} WHERE undone_at <= {moment}
