-- The roles of the database that `shopalytic sql grant` let in, and what each may see.
CREATE TABLE sql_roles (
    role name PRIMARY KEY,
    project_id int NOT NULL,
    personal_data boolean NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

-- What the session's own role may read through the views of the schema `analytics`.
-- Who may read the tables themselves sees every project.
CREATE VIEW analytics_scope AS
SELECT 2 * p.project_id AS dataset_id, p.name AS project, p.time_zone,
       coalesce(p.first_currency, p.currency) AS default_currency,
       coalesce(r.personal_data, true) AS personal_data
  FROM projects p
  LEFT JOIN sql_roles r ON r.role = session_user
 WHERE r.project_id = p.project_id
    OR (r.role IS NULL AND has_table_privilege(session_user, 'events'::regclass, 'SELECT'));

-- Views are read by roles with search paths of their own, so that functions of ours find
-- each other when they are made, not when they are called.

CREATE OR REPLACE FUNCTION event_position(type text, refund_type text, occurred_at timestamptz) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (floor(date_part('epoch', occurred_at - '1970-01-01 00:00:00+00'::timestamptz))::bigint << 25)
       + (event_rank(type, refund_type) << 20)
       + date_part('microseconds', occurred_at - '1970-01-01 00:00:00+00'::timestamptz)::bigint % 1000000;

CREATE OR REPLACE FUNCTION cart_position(added boolean, occurred_at timestamptz) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN event_position(CASE WHEN added THEN 'cart_add' ELSE 'cart_modify' END, NULL, occurred_at);

CREATE OR REPLACE FUNCTION refund_position(refund_type text, occurred_at timestamptz) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN event_position('refund', refund_type, occurred_at);

CREATE OR REPLACE FUNCTION profile_position(join_date timestamptz, occurred_at timestamptz) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN event_position(CASE WHEN join_date IS NULL THEN 'customer_update' ELSE 'customer_register' END,
                      NULL, occurred_at);

CREATE OR REPLACE FUNCTION parcel_position(carrier text, occurred_at timestamptz) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN event_position(CASE WHEN carrier IS NULL THEN 'shipment_delivered' ELSE 'shipment' END,
                      NULL, occurred_at);
