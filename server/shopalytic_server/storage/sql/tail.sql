-- What servers on one database tell each other about stored events.

-- name: listen
LISTEN shopalytic_tail

-- name: other_listeners
SELECT count(*) FROM pg_stat_activity
 WHERE datname = current_database() AND application_name LIKE %(names)s AND application_name <> %(own)s

-- name: tell
SELECT pg_notify('shopalytic_tail', message) FROM unnest(%(messages)s::text[]) WITH ORDINALITY AS m (message, place)
 ORDER BY place
