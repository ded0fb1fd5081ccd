select message.account_id, message.message_id, conversation.address, message.body, message.date_sent,
  case when message.status = 4 then message.date_status end as due_at
from unnest($1::bigint[], $2::integer[]) as asked (account_id, message_id)
join message using (account_id, message_id)
join conversation using (account_id, conversation_id)
-- Whatever its status: a device may say another one before its sending has begun.
where not message.deleted and not conversation.closed and not message.incoming
