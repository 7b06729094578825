-- Digests and alerts as they were set (a message of the contract as JSON), what alerts have found and is not
-- over, and what is to be sent or was.
CREATE TABLE digests (
    project_id int NOT NULL,
    name text NOT NULL,
    content jsonb NOT NULL,
    webhook_secret text NOT NULL,
    next_at timestamptz NOT NULL,
    sent_at timestamptz,
    PRIMARY KEY (project_id, name)
);

CREATE TABLE alerts (
    project_id int NOT NULL,
    name text NOT NULL,
    content jsonb NOT NULL,
    webhook_secret text NOT NULL,
    -- Another one after each change: what was judged by the former rules is then worth nothing.
    version uuid NOT NULL,
    judge_at timestamptz NOT NULL,
    PRIMARY KEY (project_id, name)
);

CREATE TABLE incidents (
    project_id int NOT NULL,
    alert text NOT NULL,
    value text NOT NULL,
    number text NOT NULL,
    opened_at timestamptz NOT NULL,
    PRIMARY KEY (project_id, alert, value)
);

CREATE TABLE notifications (
    notification_id uuid PRIMARY KEY,
    project_id int NOT NULL,
    name text NOT NULL,
    recipient text NOT NULL,
    subject text NOT NULL,
    -- What is sent; removed once it was, or never will be.
    content jsonb,
    created_at timestamptz NOT NULL,
    -- When it is tried next. NULL: no more.
    next_at timestamptz,
    attempts int NOT NULL DEFAULT 0,
    sent boolean NOT NULL DEFAULT false,
    failure text NOT NULL DEFAULT ''
);
CREATE INDEX notifications_waiting ON notifications (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX notifications_newest ON notifications (project_id, created_at, notification_id);
