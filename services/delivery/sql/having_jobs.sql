select account_id, message_id from delivery_job
where (account_id, message_id) in (select * from unnest($1::bigint[], $2::integer[]))
