-- Whoever takes them has $2 ms.
update delivery_job set lease_until = delivery_now() + $2::bigint
where (account_id, message_id) in (
  select account_id, message_id from delivery_job
  where state = 'ending' and due_at <= delivery_now() and lease_until <= delivery_now()
  order by due_at limit $1::integer for update skip locked
)
returning account_id, message_id, status, ended_at
