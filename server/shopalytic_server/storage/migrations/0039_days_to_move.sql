-- Whether the project's time zone has changed since the plain dates of its events
-- were last moved to where their days begin.
ALTER TABLE projects ADD COLUMN days_to_move boolean NOT NULL DEFAULT false;
