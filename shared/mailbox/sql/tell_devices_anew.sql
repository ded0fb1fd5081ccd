-- What a device was told after the backup is not known any more: it gets each message that it has once again. The state
-- that it has counts as none, and an ack of the lost database confirms none (-1, where 0 is a message it never saw).
with had as (
  select kept.account_id, kept.device_id, kept.message_id, message.change_seq, device.scanned_seq
  from device_message as kept
  join device using (account_id, device_id)
  join message using (account_id, message_id)
  join conversation using (account_id, conversation_id)
  where kept.account_id = any ($1::bigint[]) and not message.deleted and not conversation.closed
), told as (
  update device_message as kept set
    known_seq = 0,
    sent_seq = -1,
    -- What it has not heard of at all is found behind the place up to which it was told.
    due_seq = case when had.change_seq <= had.scanned_seq then had.change_seq end
  from had
  where (kept.account_id, kept.device_id, kept.message_id) = (had.account_id, had.device_id, had.message_id)
  returning 1
), begun as (
  update device set due_from = 0 where account_id = any ($1::bigint[])
)
select count(*) from told
