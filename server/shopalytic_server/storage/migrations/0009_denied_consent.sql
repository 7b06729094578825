-- What becomes of events whose consent to analytics was denied, and the key of
-- the names that anonymous ones get, made when a project first asks for it.
ALTER TABLE projects
    ADD COLUMN denied_consent text NOT NULL DEFAULT 'keep',
    ADD COLUMN anonymous_salt bytea;
