-- Emails that claim nothing stand apart from those that do, so that whoever looks for
-- the holder of an email need not pass them, however many there are, and the version
-- before does not see them. `email_claim` is 1 of a browser whose identity was signed,
-- and NULL of all others.
ALTER TABLE profile_changes ADD COLUMN unproved_email text;
CREATE INDEX profile_changes_unproved ON profile_changes (dataset_id, lower(unproved_email), email_lost_at)
    WHERE unproved_email IS NOT NULL;
CREATE INDEX profile_changes_unproved_first ON profile_changes (dataset_id, lower(unproved_email), occurred_at)
    WHERE unproved_email IS NOT NULL AND email_lost_at IS NULL;
CREATE INDEX profile_changes_unproved_search ON profile_changes USING gin (trigrams(unproved_email))
    WHERE unproved_email IS NOT NULL;

-- The views of before, by whose the emails are.

CREATE OR REPLACE VIEW profiles AS
SELECT dataset_id, subject,
       (array_agg(coalesce(email, unproved_email)
                  ORDER BY email IS NULL, profile_position(join_date, occurred_at) DESC, tie_breaker DESC, event_id DESC)
           FILTER (WHERE coalesce(email, unproved_email) IS NOT NULL AND email_lost_at IS NULL))[1] AS email,
       (array_agg(first_name ORDER BY profile_position(join_date, occurred_at) DESC, tie_breaker DESC, event_id DESC)
           FILTER (WHERE first_name IS NOT NULL))[1] AS first_name,
       (array_agg(last_name ORDER BY profile_position(join_date, occurred_at) DESC, tie_breaker DESC, event_id DESC)
           FILTER (WHERE last_name IS NOT NULL))[1] AS last_name,
       (array_agg(join_date ORDER BY profile_position(join_date, occurred_at) DESC, tie_breaker DESC, event_id DESC)
           FILTER (WHERE join_date IS NOT NULL))[1] AS join_date
  FROM profile_changes
 GROUP BY dataset_id, subject;

CREATE OR REPLACE VIEW customers AS
SELECT i.dataset_id, i.customer_id, i.identities, p.email, p.first_name, p.last_name, p.join_date
  FROM (SELECT dataset_id, customer_id, array_agg(identity ORDER BY first_at, identity) AS identities
          FROM identities
         GROUP BY dataset_id, customer_id) AS i
  LEFT JOIN (
    SELECT s.dataset_id, s.customer_id,
           (array_agg(coalesce(c.email, c.unproved_email)
                      ORDER BY c.email IS NULL, profile_position(c.join_date, c.occurred_at) DESC, c.tie_breaker DESC, c.event_id DESC)
               FILTER (WHERE coalesce(c.email, c.unproved_email) IS NOT NULL AND c.email_lost_at IS NULL))[1] AS email,
           (array_agg(c.first_name ORDER BY profile_position(c.join_date, c.occurred_at) DESC, c.tie_breaker DESC, c.event_id DESC)
               FILTER (WHERE c.first_name IS NOT NULL))[1] AS first_name,
           (array_agg(c.last_name ORDER BY profile_position(c.join_date, c.occurred_at) DESC, c.tie_breaker DESC, c.event_id DESC)
               FILTER (WHERE c.last_name IS NOT NULL))[1] AS last_name,
           (array_agg(c.join_date ORDER BY profile_position(c.join_date, c.occurred_at) DESC, c.tie_breaker DESC, c.event_id DESC)
               FILTER (WHERE c.join_date IS NOT NULL))[1] AS join_date
      FROM profile_changes c
      JOIN subject_customers s ON s.dataset_id = c.dataset_id AND s.subject = c.subject
     GROUP BY s.dataset_id, s.customer_id) AS p
    ON p.dataset_id = i.dataset_id AND p.customer_id = i.customer_id;
