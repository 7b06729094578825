-- name: list_digests
SELECT name, content, webhook_secret, next_at, sent_at
  FROM digests WHERE project_id = %(project_id)s ORDER BY name COLLATE "C";

-- name: find_digest
SELECT name, content, webhook_secret, next_at, sent_at
  FROM digests WHERE project_id = %(project_id)s AND name = %(name)s;

-- name: set_digest
INSERT INTO digests (project_id, name, content, webhook_secret, next_at)
VALUES (%(project_id)s, %(name)s, %(content)s, %(secret)s, %(next_at)s)
    ON CONFLICT (project_id, name) DO UPDATE SET content = excluded.content, next_at = excluded.next_at
RETURNING name, content, webhook_secret, next_at, sent_at;

-- name: delete_digest
DELETE FROM digests WHERE project_id = %(project_id)s AND name = %(name)s RETURNING name;

-- name: due_digests
SELECT project_id, name, content, webhook_secret, next_at
  FROM digests WHERE next_at <= %(now)s ORDER BY next_at, project_id, name LIMIT 100;

-- Nothing, where another server was first or the digest has changed.
-- name: pass_digest
UPDATE digests SET next_at = %(next_at)s, sent_at = %(sent_at)s
 WHERE project_id = %(project_id)s AND name = %(name)s AND next_at = %(due)s
RETURNING name;

-- name: list_alerts
SELECT name, content, webhook_secret, version
  FROM alerts WHERE project_id = %(project_id)s ORDER BY name COLLATE "C";

-- name: set_alert
INSERT INTO alerts (project_id, name, content, webhook_secret, version, judge_at)
VALUES (%(project_id)s, %(name)s, %(content)s, %(secret)s, %(version)s, %(now)s)
    ON CONFLICT (project_id, name) DO UPDATE
   SET content = excluded.content, version = excluded.version, judge_at = excluded.judge_at
RETURNING name, content, webhook_secret, version;

-- name: delete_alert
DELETE FROM alerts WHERE project_id = %(project_id)s AND name = %(name)s RETURNING name;

-- name: due_alerts
SELECT project_id, name, content, webhook_secret, version
  FROM alerts WHERE judge_at <= %(now)s ORDER BY judge_at, project_id, name LIMIT 100;

-- Nothing, where the alert has changed meanwhile.
-- name: pass_alert
UPDATE alerts SET judge_at = %(judge_at)s
 WHERE project_id = %(project_id)s AND name = %(name)s AND version = %(version)s
RETURNING name;

-- name: open_incidents
SELECT alert, value, number, opened_at
  FROM incidents WHERE project_id = %(project_id)s ORDER BY opened_at, value COLLATE "C"
 LIMIT 1000;

-- name: begin_incident
INSERT INTO incidents (project_id, alert, value, number, opened_at)
VALUES (%(project_id)s, %(alert)s, %(value)s, %(number)s, %(opened_at)s)
    ON CONFLICT DO NOTHING
RETURNING value;

-- name: end_incidents
DELETE FROM incidents
 WHERE project_id = %(project_id)s AND alert = %(alert)s AND NOT value = ANY(%(still)s);

-- name: enqueue
INSERT INTO notifications (notification_id, project_id, name, recipient, subject, content, created_at, next_at)
VALUES (%(notification_id)s, %(project_id)s, %(name)s, %(recipient)s, %(subject)s, %(content)s, %(now)s, %(now)s);

-- name: waiting
SELECT notification_id, project_id, name, recipient, subject, content, created_at, attempts
  FROM notifications WHERE next_at <= %(now)s ORDER BY next_at, notification_id LIMIT %(limit)s;

-- name: passed
UPDATE notifications
   SET attempts = attempts + 1, sent = %(sent)s, failure = %(failure)s, next_at = %(next_at)s,
       content = CASE WHEN %(next_at)s::timestamptz IS NULL THEN NULL ELSE content END
 WHERE notification_id = %(notification_id)s;

-- name: list_notifications
SELECT notification_id, name, recipient, subject, created_at, next_at IS NOT NULL AS waits, attempts, sent, failure
  FROM notifications
 WHERE project_id = %(project_id)s AND (created_at, notification_id) < (%(before_at)s, %(before_id)s)
 ORDER BY created_at DESC, notification_id DESC LIMIT %(limit)s;

-- name: remove_old
DELETE FROM notifications WHERE next_at IS NULL AND created_at < %(before)s;

-- name: arrived_in_quarantine
SELECT count(*) AS events FROM quarantine
 WHERE dataset_id = %(dataset)s AND received_at >= %(begin)s AND received_at < %(end)s;

-- name: other_digests
SELECT count(*) AS others FROM digests WHERE project_id = %(project_id)s AND name <> %(name)s;

-- name: other_alerts
SELECT count(*) AS others FROM alerts WHERE project_id = %(project_id)s AND name <> %(name)s;
