-- Who did what about whom: written before the call is answered.
CREATE TABLE audit (
    audit_id uuid PRIMARY KEY,
    project_id int NOT NULL,
    at timestamptz NOT NULL,
    actor text NOT NULL,
    action text NOT NULL,
    -- What the customer was looked up by; '(erased)' once they were erased.
    subject text NOT NULL
);
CREATE INDEX audit_newest ON audit (project_id, at, audit_id);
CREATE INDEX audit_by_subject ON audit (project_id, subject, at) WHERE subject <> '';
CREATE INDEX audit_oldest ON audit (at);
