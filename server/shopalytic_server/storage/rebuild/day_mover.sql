-- Plain dates that a change of a project's time zone moves, and orders that a change of
-- its groups of sources tells apart.

-- name: waiting
SELECT project_id, time_zone, order_number_groups::text AS groups, orders_to_part
  FROM projects
 WHERE days_to_move OR orders_to_part

-- name: has_days
SELECT EXISTS (
    SELECT 1 FROM events WHERE dataset_id IN (2 * %(project_id)s, 2 * %(project_id)s + 1) AND plain_dates IS NOT NULL
) AS found

-- What was changed again meanwhile waits for the next round.
-- name: moved
UPDATE projects SET days_to_move = false, orders_to_part = false
 WHERE project_id = %(project_id)s AND time_zone = %(time_zone)s AND order_number_groups = %(groups)s::jsonb
