-- Messages whose sending was asked for and not begun: with a job they are like all others that wait. Those that are not
-- due yet get theirs by their event.
select delivery_keep(
  array_agg(account_id), array_agg(message_id), array_agg(recipient), array_agg(stored_at), array_agg(due_at)
)
from (
  select distinct on (account_id, message_id)
    account_id, message_id, ltrim(conversation.address, '+') as recipient, message.date_sent as stored_at,
    case when message.status = 4 then message.date_status end as due_at
  from outbox
  join message using (account_id, message_id)
  join conversation using (account_id, conversation_id)
  where outbox.kind = 4 and not message.deleted and not conversation.closed and not message.incoming
    and (message.status <> 4 or message.date_status <= delivery_now())
) as asked
having count(*) > 0
