-- Whether the shop said when an order counts. An order of which it did not say so counts
-- where it was first said, however often it is changed. NULL: a version before stored it,
-- or the fast way of new orders, which has no dated ones; then it is dated where it counts
-- at another time than it happened.
ALTER TABLE order_revisions ADD COLUMN dated boolean;
