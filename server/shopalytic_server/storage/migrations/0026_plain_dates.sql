-- Which times of an event are days of the project's time zone; NULL: none. A time
-- that is a day counts from the day's begin, and is kept in `stated_at`, or in
-- `properties`, as it was sent: as the day's midnight in UTC.
ALTER TABLE events ADD COLUMN plain_dates text[];
