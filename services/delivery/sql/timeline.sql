-- What is known of a message's way, in the order in which it happened. A message that went to an account at once has no
-- job: then the message itself says it.
select at, state, reason from (
  select coalesce(job.stored_at, message.date_sent) as at, 'stored' as state, '' as reason, 0::bigint as id
  from (select $1::bigint as account_id, $2::integer as message_id) as asked
  left join delivery_job as job using (account_id, message_id)
  left join message on message.account_id = asked.account_id and message.message_id = asked.message_id
    and not message.incoming and not message.deleted
  where job.stored_at is not null or message.date_sent is not null
  union all
  select at, state, reason, id from delivery_timeline where account_id = $1 and message_id = $2
  union all
  select date_status, case status when 2 then 'delivered' else 'failed' end,
    case status when 2 then 'to an account' else 'the sender has no number' end, 1
  from message
  where account_id = $1 and message_id = $2 and not incoming and not deleted and status in (2, 3)
    and date_status is not null
    and not exists (select from delivery_job where account_id = $1 and message_id = $2)
) as happened
order by id
