-- Whether browsers' identities must be signed, and with which secrets, newest
-- first. They are kept as they are: a signature can only be checked with them.
ALTER TABLE projects
    ADD COLUMN signed_identify boolean NOT NULL DEFAULT false,
    ADD COLUMN identity_secrets text[] NOT NULL DEFAULT '{}';
