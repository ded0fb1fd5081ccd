-- The next $3 tombstones behind account $1 and change $2, each with whether some device still waits for it. A device waits
-- only for the end of a message that it may have; `offset 0` keeps each look-up one in the indexes.
select tomb.account_id, tomb.message_id, tomb.change_seq, exists (
  select from device
  cross join lateral (
    select kept.due_seq from device_message as kept
    where kept.account_id = tomb.account_id and kept.device_id = device.device_id
      and kept.message_id = tomb.message_id and kept.sent_seq > 0
    offset 0
  ) as kept
  where device.account_id = tomb.account_id
    and (kept.due_seq is not null or device.scanned_seq < tomb.change_seq)
) as waited_for
from (
  select account_id, message_id, change_seq from message
  where deleted and (account_id, change_seq) > ($1::bigint, $2::bigint)
  order by account_id, change_seq limit $3::integer
) as tomb
order by tomb.account_id, tomb.change_seq
