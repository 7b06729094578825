-- Which transactions may still be writing.

-- name: next_transaction
SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint

-- Who wrote to shards alone has no id on the coordinator, so there moments are told, in
-- microseconds. What was prepared on a node is not over before the node has heard the end of
-- it, and what a node does that does not answer is not known.
-- on citus: next_transaction
SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint

-- name: oldest_transaction
SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint

-- on citus: oldest_transaction
SELECT (extract(epoch FROM least(
           (SELECT min(xact_start) FROM pg_stat_activity
             WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
               AND application_name <> 'shopalytic lock'),
           (SELECT min(CASE WHEN success THEN result::timestamptz ELSE '2000-01-01' END)
              FROM run_command_on_all_nodes($prepared$
                SELECT coalesce(min(prepared), clock_timestamp() + interval '1 day') FROM pg_prepared_xacts
                 WHERE database = current_database() $prepared$)),
           clock_timestamp() + interval '1 day')) * 1000000)::bigint
