-- The audit log.

-- name: record
INSERT INTO audit (audit_id, project_id, at, actor, action, subject)
VALUES (%(audit_id)s, %(project_id)s, %(at)s, %(actor)s, %(action)s, %(subject)s)

-- name: remove_old
DELETE FROM audit WHERE at < %(before)s

-- name: list_audit
SELECT audit_id, at, actor, action, subject
FROM audit
WHERE project_id = %(project_id)s AND (at, audit_id) < (%(at)s::timestamptz, %(audit_id)s)
    AND %(actor)s IN ('', actor) AND %(subject)s IN ('', subject)
ORDER BY at DESC, audit_id DESC
LIMIT %(limit)s
