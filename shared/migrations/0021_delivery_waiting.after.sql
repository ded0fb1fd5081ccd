-- oldest-code: 0.2.0
-- What workers of the last version added since the table of jobs is there.
insert into delivery_job (account_id, message_id, recipient, stored_at, due_at, may_be_twin, failed_status)
select waiting.account_id, waiting.message_id, ltrim(conversation.address, '+'), message.date_sent, waiting.due_at, true, 3
from delivery_waiting as waiting
join message using (account_id, message_id)
join conversation using (account_id, conversation_id)
where not message.deleted and not conversation.closed and not message.incoming and message.status in (1, 4)
on conflict (account_id, message_id) do nothing;

drop table delivery_waiting;
