-- People and their sessions.

-- name: lock_project
-- Of two who add people at once, the second counts those of the first.
SELECT project_id FROM projects WHERE project_id = %(project_id)s FOR UPDATE

-- name: count_users
SELECT count(*) AS users FROM users WHERE project_id = %(project_id)s AND ended_at IS NULL

-- name: add_user
INSERT INTO users (user_id, project_id, email, role, password_hash, link_hash, link_ends_at, created_at)
VALUES (%(user_id)s, %(project_id)s, %(email)s, %(role)s, %(password_hash)s, %(link_hash)s, %(link_ends_at)s, %(now)s)
ON CONFLICT DO NOTHING
RETURNING user_id, project_id, email, role, created_at, last_seen_at, ended_at,
    password_hash IS NOT NULL AS has_password

-- name: list_users
SELECT user_id, project_id, email, role, created_at, last_seen_at, ended_at,
    password_hash IS NOT NULL AS has_password
FROM users
WHERE project_id = %(project_id)s AND (ended_at IS NULL OR %(removed)s)
ORDER BY email, created_at DESC
LIMIT %(limit)s

-- name: change_role
UPDATE users
SET role = %(role)s
WHERE project_id = %(project_id)s AND email = %(email)s AND ended_at IS NULL
RETURNING user_id, project_id, email, role, created_at, last_seen_at, ended_at,
    password_hash IS NOT NULL AS has_password

-- name: remove_user
UPDATE users
SET ended_at = %(now)s, password_hash = NULL, link_hash = NULL, link_ends_at = NULL
WHERE project_id = %(project_id)s AND email = %(email)s AND ended_at IS NULL
RETURNING user_id, project_id, email, role, created_at, last_seen_at, ended_at, false AS has_password

-- name: set_password
-- By its owner or by an administrator: what was there before, link and password, works no more.
UPDATE users
SET password_hash = %(password_hash)s, link_hash = %(link_hash)s, link_ends_at = %(link_ends_at)s
WHERE project_id = %(project_id)s AND email = %(email)s AND ended_at IS NULL
RETURNING user_id, project_id, email, role, created_at, last_seen_at, ended_at,
    password_hash IS NOT NULL AS has_password

-- name: rehash_password
-- Not where it was changed meanwhile.
UPDATE users SET password_hash = %(new_hash)s
WHERE user_id = %(user_id)s AND password_hash = %(old_hash)s

-- name: take_link
-- Of several who use one link, the first.
UPDATE users
SET password_hash = %(password_hash)s, link_hash = NULL, link_ends_at = NULL
WHERE link_hash = %(link_hash)s AND link_ends_at > %(now)s AND ended_at IS NULL
RETURNING user_id, project_id, email, role, created_at, last_seen_at, ended_at, true AS has_password

-- name: find_link
SELECT email
FROM users
WHERE link_hash = %(link_hash)s AND link_ends_at > %(now)s AND ended_at IS NULL

-- name: find_password
-- Who has one address in several projects, and names none, means the oldest.
SELECT users.user_id, users.project_id, users.email, users.role, users.created_at, users.last_seen_at,
    users.ended_at, users.password_hash, projects.name AS project
FROM users
JOIN projects ON projects.project_id = users.project_id
WHERE users.email = %(email)s AND users.ended_at IS NULL AND users.password_hash IS NOT NULL
    AND %(project)s IN ('', projects.name)
ORDER BY users.project_id
LIMIT 1

-- name: end_sessions_of_user
DELETE FROM sessions WHERE user_id = %(user_id)s

-- name: end_session
DELETE FROM sessions WHERE project_id = %(project_id)s AND session_id = %(session_id)s

-- name: end_session_of_token
DELETE FROM sessions WHERE token_hash = %(token_hash)s

-- name: find_user
SELECT user_id FROM users
WHERE project_id = %(project_id)s AND email = %(email)s AND ended_at IS NULL

-- name: end_old_sessions
DELETE FROM sessions WHERE ends_at < %(now)s OR last_seen_at < %(idle_since)s

-- name: end_further_sessions
DELETE FROM sessions
WHERE user_id = %(user_id)s AND session_id NOT IN (
    SELECT session_id FROM sessions WHERE user_id = %(user_id)s ORDER BY created_at DESC LIMIT %(most)s
)

-- name: begin_session
-- Only while the password is the one that was given, and the person is not removed.
INSERT INTO sessions (session_id, user_id, project_id, token_hash, user_agent, created_at, last_seen_at, ends_at)
SELECT %(session_id)s, user_id, project_id, %(token_hash)s, %(user_agent)s, %(now)s, %(now)s, %(ends_at)s
FROM users
WHERE user_id = %(user_id)s AND password_hash = %(password_hash)s AND ended_at IS NULL

-- name: seen
UPDATE users SET last_seen_at = %(now)s WHERE user_id = %(user_id)s

-- name: list_sessions
SELECT sessions.session_id, users.email, sessions.user_agent, sessions.created_at, sessions.last_seen_at, sessions.ends_at
FROM sessions
JOIN users ON users.user_id = sessions.user_id
WHERE sessions.project_id = %(project_id)s AND sessions.ends_at > %(now)s AND sessions.last_seen_at > %(idle_since)s
    AND %(email)s IN ('', users.email)
ORDER BY sessions.created_at DESC, sessions.session_id
LIMIT %(limit)s

-- name: find_session
SELECT sessions.session_id, sessions.project_id, sessions.created_at, sessions.last_seen_at, sessions.ends_at,
    users.user_id, users.email, users.role
FROM sessions
JOIN users ON users.user_id = sessions.user_id
WHERE sessions.token_hash = %(token_hash)s AND users.ended_at IS NULL
    AND sessions.ends_at > %(now)s AND sessions.last_seen_at > %(idle_since)s

-- name: record_session_use
WITH used AS MATERIALIZED (
    SELECT session_id, used_at, used_at - interval '30 seconds' AS recently
    FROM unnest(%(session_ids)s::uuid[], %(used_at)s::timestamptz[]) AS given(session_id, used_at)
)
UPDATE sessions
SET last_seen_at = used.used_at
FROM used
WHERE sessions.session_id = used.session_id AND sessions.last_seen_at < used.recently

-- name: record_user_use
UPDATE users
SET last_seen_at = used.seen_at
FROM (
    SELECT user_id, max(last_seen_at) AS seen_at
    FROM sessions
    WHERE session_id = ANY(%(session_ids)s::uuid[])
    GROUP BY user_id
) AS used
WHERE users.user_id = used.user_id AND (users.last_seen_at IS NULL OR users.last_seen_at < used.seen_at)

-- name: project_name
SELECT name FROM projects WHERE project_id = %(project_id)s
