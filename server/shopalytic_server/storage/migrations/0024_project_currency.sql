-- A project's currency can be changed. Events that named none and arrived before
-- the first change are in `first_currency` (NULL: it was never changed); later
-- ones carry the currency that they took. `currency_open`: nobody has chosen one,
-- and no money has arrived.
ALTER TABLE projects
    ADD COLUMN first_currency text,
    ADD COLUMN currency_open boolean NOT NULL DEFAULT false;
-- What a refund that names no currency counts in while its order is unknown; NULL:
-- the project's first one.
ALTER TABLE refunds ADD COLUMN default_currency text;
