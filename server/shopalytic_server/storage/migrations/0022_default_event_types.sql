-- The default list of event types that was written with the project. While both
-- lists are equal nobody chose one, and types that are added later are allowed
-- too. NULL: somebody chose.
ALTER TABLE projects ADD COLUMN default_event_types text[];
UPDATE projects SET default_event_types = browser_event_types
 WHERE browser_event_types = '{customer_register,customer_update,cart_add,cart_modify,order,product_view,page_view,identify,alias}';
