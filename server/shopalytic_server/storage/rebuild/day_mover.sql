-- Plain dates that a change of a project's time zone moves.

-- name: waiting
SELECT project_id, time_zone FROM projects WHERE days_to_move

-- name: has_days
SELECT EXISTS (
    SELECT FROM events WHERE dataset_id IN (2 * %(project_id)s, 2 * %(project_id)s + 1) AND plain_dates IS NOT NULL
) AS found

-- Whose zone was changed again meanwhile waits for the next round.
-- name: moved
UPDATE projects SET days_to_move = false
 WHERE project_id = %(project_id)s AND time_zone = %(time_zone)s
