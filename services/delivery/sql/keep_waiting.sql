insert into delivery_waiting (account_id, message_id, due_at)
select * from unnest($1::bigint[], $2::integer[], $3::bigint[])
on conflict (account_id, message_id) do nothing
