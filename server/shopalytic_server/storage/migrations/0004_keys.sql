-- Keys that end by themselves, and when each was last used.
ALTER TABLE keys
    ADD COLUMN expires_at timestamptz,
    ADD COLUMN last_used_at timestamptz;
