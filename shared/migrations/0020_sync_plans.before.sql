-- The history of a device costs what it gives, not what the account has: a conversation that is older than all of it is
-- not looked into, of which there may be many thousands.

create or replace function device_queue_history(asking device, before bigint) returns device
language plpgsql volatile as $$
declare
  wanted integer := asking.message_history_limit;
  since bigint;
  share integer;
  queued integer;
begin
  select last_change_seq into strict asking.scanned_seq from mailbox where account_id = asking.account_id;
  update device_message set due_seq = null
  where account_id = asking.account_id and device_id = asking.device_id and due_seq >= asking.due_from;

  -- A date behind which there are enough: each of so many conversations has a message there.
  select newest_date_sent into since from conversation
  where account_id = asking.account_id and not closed
  order by newest_date_sent desc offset greatest(wanted - 1, 0) limit 1;
  since := coalesce(since, -9223372036854775808);

  -- A later one, found among the newest few of each that is left: no conversation is then read much further than that,
  -- however large the mailbox is.
  select 10 + 2 * wanted / greatest(count(*), 1) into share from conversation
  where account_id = asking.account_id and not closed and newest_date_sent >= since;
  since := coalesce((
    select newest.date_sent
    from conversation
    cross join lateral (
      select message.date_sent from message
      where message.account_id = asking.account_id and message.conversation_id = conversation.conversation_id
        and not message.deleted and message.date_sent >= since
      order by message.date_sent desc, message.message_id desc limit share
    ) as newest
    where conversation.account_id = asking.account_id and not conversation.closed
      and conversation.newest_date_sent >= since
    order by newest.date_sent desc offset greatest(wanted - 1, 0) limit 1
  ), since);

  insert into device_message as kept (account_id, device_id, message_id, known_seq, sent_seq, due_seq)
  select asking.account_id, asking.device_id, history.message_id, 0, 0,
    asking.scanned_seq - row_number() over (order by history.date_sent desc, history.message_id desc) + 1
  from (
    select newest.*
    from conversation
    cross join lateral (
      select message.message_id, message.date_sent, message.change_seq from message
      where message.account_id = asking.account_id and message.conversation_id = conversation.conversation_id
        and not message.deleted and message.date_sent >= since
      order by message.date_sent desc, message.message_id desc limit wanted
    ) as newest
    where conversation.account_id = asking.account_id and not conversation.closed
      and conversation.newest_date_sent >= since
    order by newest.date_sent desc, newest.message_id desc limit wanted
  ) as history
  where history.change_seq <= before or history.change_seq is distinct from (
    select own.known_seq from device_message as own
    where own.account_id = asking.account_id and own.device_id = asking.device_id
      and own.message_id = history.message_id
  )
  on conflict (account_id, device_id, message_id) do update set known_seq = 0, due_seq = excluded.due_seq;

  get diagnostics queued = row_count;
  asking.due_from := asking.scanned_seq - queued + 1;
  return asking;
end
$$;
