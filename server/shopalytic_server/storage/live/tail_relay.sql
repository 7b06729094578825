-- What servers on one database tell each other about stored events. Every role of a
-- database may listen to any channel that it can name, so this one's name is a secret.

-- name: channel
SELECT 'shopalytic_tail_' || encode(substr(sha256(secret || convert_to('tail', 'UTF8')), 1, 16), 'hex')
  FROM fact_store

-- name: other_listeners
SELECT count(*) FROM pg_stat_activity
 WHERE datname = current_database() AND application_name LIKE %(names)s AND application_name <> %(own)s

-- name: tell
SELECT pg_notify(%(channel)s, message) FROM unnest(%(messages)s::text[]) WITH ORDINALITY AS m (message, place)
 ORDER BY place
