-- What the traffic report reads of past days instead of every page view.

-- The days, in UTC, whose page views are summed up. A row that is not sealed
-- says that somebody is about to.
CREATE TABLE rollup_days (
    dataset_id int NOT NULL,
    day date NOT NULL,
    sealed boolean NOT NULL,
    PRIMARY KEY (dataset_id, day)
);

-- The page views of one subject within a quarter of an hour that have source,
-- bot label and site (the address up to the path) in common: the first of them,
-- when the last one happened, and how many there are. `referrer` is a host, and
-- `encoded` says that the campaign is as it stands in the address.
CREATE TABLE page_quarters (
    dataset_id int NOT NULL,
    subject uuid NOT NULL,
    occurred_at timestamptz NOT NULL,
    event_id uuid NOT NULL,
    last_at timestamptz NOT NULL,
    page_views int NOT NULL,
    bot boolean NOT NULL,
    source text,
    site text,
    landing_page text NOT NULL,
    referrer text NOT NULL,
    campaign text NOT NULL,
    encoded boolean NOT NULL,
    PRIMARY KEY (dataset_id, subject, occurred_at, event_id)
);
CREATE INDEX page_quarters_time ON page_quarters (dataset_id, occurred_at);
