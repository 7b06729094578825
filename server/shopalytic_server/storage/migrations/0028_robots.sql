-- A refund or parcel is a robot's if its order is, whatever sent it.
UPDATE shipment_changes c SET bot = o.bot
  FROM order_revisions o
 WHERE o.dataset_id = c.dataset_id AND o.order_id = c.order_id AND o.current AND o.bot <> c.bot;

UPDATE refunds f SET bot = o.bot
  FROM order_revisions o
 WHERE o.dataset_id = f.dataset_id AND o.order_id = f.order_id AND o.current AND o.bot <> f.bot;

-- Texts in the user agents of the shop's own programs, which are no robots.
ALTER TABLE projects ADD COLUMN own_user_agents text[] NOT NULL DEFAULT '{}';
