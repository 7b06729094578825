-- name: rows
SELECT fact_key(s.secret, c.dataset_id, uuid_send(c.subject)) AS subject,
       fact_key(s.secret, c.dataset_id, uuid_send(c.customer_id)) AS customer
  FROM subject_customers c
 CROSS JOIN fact_store s
 WHERE c.dataset_id = ANY({datasets}::int[])
