update delivery_job set state = 'done'
from unnest($1::bigint[], $2::integer[]) as told (account_id, message_id)
where delivery_job.account_id = told.account_id and delivery_job.message_id = told.message_id
  and delivery_job.state = 'ending'
