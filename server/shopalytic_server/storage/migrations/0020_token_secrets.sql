-- What a project's tokens (of pages, and of the events behind a number) are signed with: 244 random bits
-- of two UUIDs. A default, so that projects which a server of the version before makes have one, too.

ALTER TABLE projects ADD COLUMN token_secret bytea;

ALTER TABLE projects ALTER COLUMN token_secret
    SET DEFAULT decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex');

WITH made AS MATERIALIZED (
    SELECT project_id, decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex') AS secret
      FROM projects
)
UPDATE projects SET token_secret = made.secret FROM made WHERE made.project_id = projects.project_id;
