-- What becomes of an order, and who buys, as dated facts beside the order's content:
-- each statement is an event's, and of each of its columns the one that happened
-- last counts.
CREATE TABLE order_statements (
    dataset_id int NOT NULL,
    order_id text NOT NULL,
    event_id uuid NOT NULL,
    occurred_at timestamptz NOT NULL,
    tie_breaker bigint,
    subject uuid NOT NULL,
    type text NOT NULL,
    status text,
    email text,
    first_name text,
    last_name text,
    PRIMARY KEY (dataset_id, order_id, event_id)
);
CREATE INDEX order_statements_subject ON order_statements (dataset_id, subject);

-- An order that was cancelled or failed has no current revision: it is none, wherever
-- orders are read. Its last one is voided instead.
ALTER TABLE order_revisions ADD COLUMN voided boolean NOT NULL DEFAULT false;
CREATE INDEX order_revisions_voided ON order_revisions (dataset_id, order_id) WHERE voided;
CREATE INDEX order_revisions_voided_subject ON order_revisions (dataset_id, subject) WHERE voided;
CREATE INDEX order_revisions_voided_time ON order_revisions (dataset_id, ordered_at) WHERE voided;

-- What is known of each order of which anything was stated.
CREATE VIEW order_states AS
SELECT dataset_id, order_id,
       (array_agg(status ORDER BY event_position(type, NULL, occurred_at) DESC, tie_breaker DESC, event_id DESC)
           FILTER (WHERE status IS NOT NULL))[1] AS status,
       (array_agg(email ORDER BY event_position(type, NULL, occurred_at) DESC, tie_breaker DESC, event_id DESC)
           FILTER (WHERE email IS NOT NULL))[1] AS email,
       (array_agg(first_name ORDER BY event_position(type, NULL, occurred_at) DESC, tie_breaker DESC, event_id DESC)
           FILTER (WHERE first_name IS NOT NULL))[1] AS first_name,
       (array_agg(last_name ORDER BY event_position(type, NULL, occurred_at) DESC, tie_breaker DESC, event_id DESC)
           FILTER (WHERE last_name IS NOT NULL))[1] AS last_name
  FROM order_statements
 GROUP BY dataset_id, order_id;
