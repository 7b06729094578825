-- People who sign in to the dashboard, and their sessions. Of passwords, links and sessions only hashes are kept.
CREATE TABLE users (
    user_id uuid PRIMARY KEY,
    project_id int NOT NULL,
    -- In its plain form.
    email text NOT NULL,
    role text NOT NULL,
    -- Argon2. NULL: they have still to choose a password.
    password_hash text,
    -- The link by which they choose one.
    link_hash bytea,
    link_ends_at timestamptz,
    created_at timestamptz NOT NULL,
    last_seen_at timestamptz,
    ended_at timestamptz
);
CREATE UNIQUE INDEX users_email ON users (project_id, email) WHERE ended_at IS NULL;
-- Who signs in names no project.
CREATE INDEX users_by_email ON users (email, project_id) WHERE ended_at IS NULL;
CREATE INDEX users_by_link ON users (link_hash) WHERE link_hash IS NOT NULL;

CREATE TABLE sessions (
    session_id uuid PRIMARY KEY,
    user_id uuid NOT NULL,
    project_id int NOT NULL,
    token_hash bytea NOT NULL UNIQUE,
    user_agent text NOT NULL,
    created_at timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL
);
CREATE INDEX sessions_of_user ON sessions (user_id, created_at);
CREATE INDEX sessions_of_project ON sessions (project_id, created_at);
