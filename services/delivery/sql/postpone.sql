update delivery_job set lease_until = delivery_now() + $3::bigint
from unnest($1::bigint[], $2::integer[]) as asked (account_id, message_id)
where delivery_job.account_id = asked.account_id and delivery_job.message_id = asked.message_id
  and delivery_job.state = 'waiting'
