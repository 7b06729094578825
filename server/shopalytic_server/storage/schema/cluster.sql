-- What the catalogues of Citus say.

-- name: version
SELECT extversion FROM pg_extension WHERE extname = 'citus'

-- The coordinator's is 0.
-- name: group
SELECT groupid FROM pg_dist_local_group

-- name: coordinator
SELECT nodename, nodeport FROM pg_dist_node WHERE groupid = 0 AND noderole = 'primary' AND nodename <> ''

-- name: nodes
SELECT nodeid, nodename, nodeport, groupid, shouldhaveshards, isactive
  FROM pg_dist_node
 WHERE noderole = 'primary'
 ORDER BY groupid

-- name: ask_nodes
SELECT nodeid, success, result FROM run_command_on_all_nodes(%(question)s)

-- A daemon for each database asks for help in it. Disks need a version of Citus that tells.
-- name: of_a_node
SELECT json_build_object(
    'prepared', current_setting('max_prepared_transactions')::int,
    'workers', current_setting('max_worker_processes')::int,
    'postgresql', current_setting('server_version_num')::int / 10000,
    'citus', (SELECT extversion FROM pg_extension WHERE extname = 'citus'),
    'time_zone', (SELECT reset_val FROM pg_settings WHERE name = 'TimeZone'),
    'encoding', current_setting('server_encoding'),
    'daemons', (SELECT count(*) FROM pg_stat_activity
                 WHERE datname = current_database() AND application_name LIKE 'Citus Maintenance Daemon%'),
    'free', (SELECT available_disk_size FROM citus_local_disk_space_stats()),
    'old_prepared', (SELECT count(*) FROM pg_prepared_xacts
                      WHERE database = current_database() AND prepared < now() - interval '5 minutes'))

-- name: placements
SELECT c.relname::text,
       CASE WHEN p.partmethod = 'n' AND p.repmodel = 't' THEN 'reference'
            WHEN p.partmethod = 'n' THEN 'local' ELSE 'distributed' END,
       CASE WHEN p.partkey IS NOT NULL THEN column_to_column_name(p.logicalrelid, p.partkey) END,
       p.colocationid,
       (SELECT count(*) FROM pg_dist_shard s WHERE s.logicalrelid = p.logicalrelid)::int,
       (SELECT sum(citus_total_relation_size(relid, fail_on_error := false)) FROM (
            SELECT relid FROM pg_partition_tree(c.oid) UNION SELECT c.oid) AS parts
         WHERE relid IN (SELECT logicalrelid FROM pg_dist_partition))::bigint
  FROM pg_dist_partition p
  JOIN pg_class c ON c.oid = p.logicalrelid
 WHERE c.relname = ANY(%(tables)s) AND c.relnamespace = current_schema::regnamespace

-- Triggers and foreign keys that somebody has put on our tables.
-- name: strangers
SELECT t.tgrelid::regclass::text, t.tgname::text, 'trigger'
  FROM pg_trigger t
 WHERE NOT t.tgisinternal AND t.tgrelid = ANY((%(tables)s::text[])::regclass[])
   AND t.tgname::text !~ 'truncate_trigger'
 UNION ALL
SELECT k.conrelid::regclass::text, k.conname::text, 'foreign key'
  FROM pg_constraint k
 WHERE k.contype = 'f'
   AND (k.conrelid = ANY((%(tables)s::text[])::regclass[]) OR k.confrelid = ANY((%(tables)s::text[])::regclass[]))

-- name: sessions
SELECT count(*) FROM pg_stat_activity
 WHERE datname = current_database() AND application_name LIKE 'shopalytic%%' AND application_name <> %(own)s

-- name: local_size
SELECT sum(pg_total_relation_size(relid))::bigint FROM (
    SELECT relid FROM pg_partition_tree(%(table)s::regclass)
     UNION SELECT %(table)s::regclass
) AS parts

-- Functions of ours: what a node computes, it needs, and with them it gets the types of their
-- parameters.
-- name: functions
SELECT p.oid::regprocedure::text
  FROM pg_proc p
 WHERE p.pronamespace = current_schema::regnamespace AND p.prokind = 'f'
   AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
   AND NOT EXISTS (SELECT 1 FROM pg_dist_object o WHERE o.classid = 'pg_proc'::regclass AND o.objid = p.oid)
 ORDER BY 1

-- Rows that stayed behind on the coordinator when a table was distributed.
-- name: left_behind
SELECT c.relname::text
  FROM pg_dist_partition p
  JOIN pg_class c ON c.oid = p.logicalrelid
 WHERE c.relname = ANY(%(tables)s) AND c.relnamespace = current_schema::regnamespace
   AND (SELECT sum(pg_relation_size(relid)) FROM (
            SELECT relid FROM pg_partition_tree(c.oid) UNION SELECT c.oid) AS parts) > 0
