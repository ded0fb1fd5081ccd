-- The two-way sync of devices. `offset 0` keeps each look-up one in a primary key: joined, a device's messages would be
-- read from end to end where the planner takes all tables for small ones, and so they would be by `= any`.
--
-- What a device knows of a message outlives the message. `known_seq` is the change number of the state that the device
-- is known to have (it acked it, or made it), 0 for none; `sent_seq` that of the state which an answer held last, or
-- which the device made itself. A message with `known_seq` 0 is an insert; one with `sent_seq` 0 the device never saw.
--
-- Every change up to a device's `scanned_seq` is either of no concern to it, or waits for it: then `due_seq` is its place
-- in the order, and stays there until it is acked. A message that changes once more is found behind `scanned_seq`, so
-- what waits of it is void from then on. `due_from` is a bound below every `due_seq`: what was acked long ago leaves dead
-- entries in the index, which nobody has to pass.
create table device_message (
  account_id bigint not null,
  device_id integer not null,
  message_id integer not null,
  device_message_id integer, -- null until the device tells it
  known_seq bigint not null,
  sent_seq bigint not null,
  due_seq bigint,
  primary key (account_id, device_id, message_id)
) with (fillfactor = 80);

create index device_message_pair on device_message (account_id, device_id, device_message_id)
where device_message_id is not null;
create index device_message_due on device_message (account_id, device_id, due_seq) where due_seq is not null;

alter table device
  add column scanned_seq bigint not null default 0,
  add column due_from bigint not null default 0;
alter table device set (fillfactor = 60);

-- Devices that there are get what changes from now on.
update device set scanned_seq = mailbox.last_change_seq from mailbox where mailbox.account_id = device.account_id;

-- Devices that are gone, whose rows of `device_message` nobody reads any more; there may be millions.
create table device_departed (
  account_id bigint not null,
  device_id integer not null,
  primary key (account_id, device_id)
);

-- Deletes one device of a mailbox whose lock the caller holds; returns whether there was anything to delete.
create or replace function device_remove(of_account bigint, of_device integer) returns boolean
language plpgsql volatile as $$
begin
  delete from device where account_id = of_account and device_id = of_device;
  if not found then
    return false;
  end if;
  insert into device_departed (account_id, device_id)
  select of_account, of_device
  where exists (select from device_message where account_id = of_account and device_id = of_device);
  return true;
end
$$;

-- Registers devices, entry by entry in their order, and answers their ids. A device gets what changes from then on.
create or replace function device_create(
  account_ids bigint[], oses integer[], sms_senders boolean[], call_receivers boolean[], call_initiators boolean[],
  push_registration_ids text[], push_configs text[], max_mms_sizes integer[], history_limits integer[],
  dates bigint[], forces boolean[], device_limits integer[],
  of_operation text, keys text[], hashes bytea[], skip_locked boolean
) returns table ("position" integer, answer integer)
language plpgsql volatile as $$
declare
  held bigint[];
begin
  held := mailbox_lock(account_ids, skip_locked);
  for place in 1 .. cardinality(account_ids) loop
    "position" := place;
    answer := null;
    if account_ids[place] = any (held) then
      answer := done_recall(account_ids[place], of_operation, keys[place], hashes[place]);
      if answer is null and not device_admitted(account_ids[place], device_limits[place], forces[place]) then
        answer := -106;
      elsif answer is null then
        insert into device (
          account_id, os, can_send_sms, can_receive_call, can_initiate_call,
          push_registration_id, push_config, max_mms_size, message_history_limit, created_at, scanned_seq
        )
        select account_id, oses[place], sms_senders[place], call_receivers[place], call_initiators[place],
          push_registration_ids[place], push_configs[place], max_mms_sizes[place], history_limits[place], dates[place],
          last_change_seq
        from mailbox where account_id = account_ids[place]
        returning device_id into strict answer;
        perform done_remember(account_ids[place], of_operation, keys[place], hashes[place], answer);
      end if;
    end if;
    return next;
  end loop;
end
$$;

-- A status as devices know it: they have no sending (4), which is pending, and no unsent (5), which is failed.
create function device_status(of_status smallint) returns smallint
language sql immutable as $$
  select case of_status when 4 then 1 when 5 then 3 else of_status end::smallint
$$;

-- More octets than a text takes as JSON and as XML. Six for each is enough, and much too many for most.
create function wire_octets(body text) returns bigint
language sql immutable as $$
  select case
    when octet_length(body) <= 2048 then 6 * octet_length(body)
    -- `translate` would say the same, and takes ten times as long.
    else octet_length(to_json(body)::text) + 5 * (octet_length(body) - octet_length(
      replace(replace(replace(replace(replace(replace(replace(replace(
        body, '&', ''), '<', ''), '>', ''), '"', ''), '''', ''), e'\t', ''), e'\n', ''), e'\r', '')
    ))
  end::bigint
$$;

-- Stores one message in a mailbox whose lock the caller holds, and returns it.
create function message_store(
  of_account bigint, of_address text, new_body text, new_date_sent bigint, new_date_status bigint,
  new_origin integer, new_status smallint, new_incoming boolean, new_read boolean, new_locked boolean
) returns message
language plpgsql volatile as $$
declare
  stored message;
begin
  update mailbox set last_message_id = last_message_id + 1, last_change_seq = last_change_seq + 1
  where account_id = of_account
  returning last_message_id, last_change_seq into strict stored.message_id, stored.change_seq;

  insert into conversation as kept (
    account_id, conversation_id, address, messages, messages_unread, messages_unsent,
    max_message_id, newest_message_id, newest_date_sent, snippet
  ) values (
    of_account, stored.message_id, of_address, 1, (new_incoming and not new_read)::integer,
    0, -- devices know no unsent messages
    stored.message_id, stored.message_id, new_date_sent, left(new_body, 100)
  )
  on conflict (account_id, address) where not closed do update set
    messages = kept.messages + 1,
    messages_unread = kept.messages_unread + excluded.messages_unread,
    max_message_id = excluded.max_message_id,
    newest_message_id = case when excluded.newest_date_sent >= kept.newest_date_sent
      then excluded.newest_message_id else kept.newest_message_id end,
    newest_date_sent = greatest(kept.newest_date_sent, excluded.newest_date_sent),
    snippet = case when excluded.newest_date_sent >= kept.newest_date_sent then excluded.snippet else kept.snippet end
  returning kept.conversation_id into strict stored.conversation_id;

  insert into message (
    account_id, message_id, conversation_id, change_seq, date_sent, date_status, origin, status, incoming, read, locked,
    body
  ) values (
    of_account, stored.message_id, stored.conversation_id, stored.change_seq, new_date_sent, new_date_status,
    new_origin, new_status, new_incoming, new_read, new_locked, new_body
  );
  insert into outbox (account_id, message_id, change_seq, kind)
  values (of_account, stored.message_id, stored.change_seq, 1);
  return stored;
end
$$;

-- Changes one message that is there, in a mailbox whose lock the caller holds; null is unchanged. Returns the number of
-- the change, null when it was none.
create function message_amend(
  old message, new_body text, new_read boolean, new_locked boolean, new_status smallint, new_date_sent bigint,
  new_date_status bigint
) returns bigint
language plpgsql volatile as $$
declare
  amended message := old;
begin
  amended.body := coalesce(new_body, old.body);
  amended.read := coalesce(new_read, old.read);
  amended.locked := coalesce(new_locked, old.locked);
  amended.date_sent := coalesce(new_date_sent, old.date_sent);
  amended.date_status := coalesce(new_date_status, old.date_status);
  -- A device that gives back what it was told changes nothing.
  if new_status <> device_status(old.status) then
    amended.status := new_status;
  end if;
  if amended is not distinct from old then
    return null;
  end if;

  update mailbox set last_change_seq = last_change_seq + 1 where account_id = old.account_id
  returning last_change_seq into strict amended.change_seq;
  update message set
    body = amended.body, read = amended.read, locked = amended.locked, status = amended.status,
    date_sent = amended.date_sent, date_status = amended.date_status, change_seq = amended.change_seq
  where account_id = old.account_id and message_id = old.message_id;

  if (amended.read, amended.status) <> (old.read, old.status) then
    update conversation set
      messages_unread = messages_unread + case when old.incoming then old.read::integer - amended.read::integer else 0 end,
      messages_unsent = messages_unsent + case when old.incoming then 0
        else (amended.status = 5)::integer - (old.status = 5)::integer end
    where account_id = old.account_id and conversation_id = old.conversation_id;
  end if;
  if (amended.body, amended.date_sent) <> (old.body, old.date_sent) then
    update conversation set
      newest_message_id = newest.message_id, newest_date_sent = newest.date_sent, snippet = newest.snippet
    from (
      select message_id, date_sent, left(body, 100) as snippet from message
      where account_id = old.account_id and conversation_id = old.conversation_id and not deleted
      order by date_sent desc, message_id desc limit 1
    ) as newest
    where account_id = old.account_id and conversation_id = old.conversation_id;
  end if;
  insert into outbox (account_id, message_id, change_seq, kind)
  values (old.account_id, old.message_id, amended.change_seq, 2);
  return amended.change_seq;
end
$$;

-- Takes a device's acks: each confirms the state that an earlier answer held last, and tells the device's own id.
create function device_acknowledge(of_account bigint, of_device integer, acked integer[], told integer[]) returns void
language plpgsql volatile as $$
begin
  for nth in 1 .. cardinality(acked) loop
    update device_message set
      known_seq = greatest(known_seq, sent_seq),
      device_message_id = coalesce(device_message_id, nullif(told[nth], 0)),
      -- What changed since, and was left out of the answer, goes on waiting.
      due_seq = case when sent_seq < (
        select change_seq from message where account_id = of_account and message_id = acked[nth]
      ) then due_seq end
    where account_id = of_account and device_id = of_device and message_id = acked[nth]
      and (known_seq < sent_seq or device_message_id is null and told[nth] <> 0);
  end loop;
end
$$;

-- Those of the messages that changed since the state which the device is known to have.
create function device_behind(of_account bigint, of_device integer, message_ids integer[]) returns integer[]
language plpgsql stable as $$
begin
  return array(
    select asked.message_id
    from unnest(message_ids) as asked (message_id)
    cross join lateral (
      select known_seq from device_message
      where account_id = of_account and device_id = of_device and message_id = asked.message_id offset 0
    ) as kept
    cross join lateral (
      select change_seq from message where account_id = of_account and message_id = asked.message_id offset 0
    ) as message
    where kept.known_seq < message.change_seq
  );
end
$$;

-- Applies a device's own changes, a JSON array of entries as the contract has them, in their order, and returns their
-- acks: an insert's has the id of the message, any other the id as sent.
create function device_write(of_account bigint, of_device integer, entries json, now bigint) returns json
language plpgsql volatile as $$
declare
  entry record;
  target integer;
  old message;
  stored message;
  known bigint;
  changed bigint;
  named integer[] := '{}';
  told integer[] := '{}';
begin
  for entry in
    select * from json_to_recordset(entries) as sent (
      operation integer, message_id integer, device_message_id integer, address text, message text, incoming boolean,
      read boolean, locked boolean, origin integer, status smallint, date_sent bigint, date_status bigint
    )
  loop
    told := told || entry.device_message_id;
    target := entry.message_id;
    if target = 0 then
      -- A null when the device never told of it; one id for two messages is the device's mistake.
      target := (
        select message_id from device_message
        where account_id = of_account and device_id = of_device and device_message_id = entry.device_message_id
        order by message_id limit 1
      );
    end if;

    if entry.operation = 1 and entry.message_id = 0 then
      if target is null then
        stored := message_store(
          of_account, entry.address, coalesce(entry.message, ''), coalesce(entry.date_sent, now), entry.date_status,
          coalesce(entry.origin, 0), coalesce(entry.status, 0::smallint), coalesce(entry.incoming, true),
          coalesce(entry.read, false), coalesce(entry.locked, false)
        );
        target := stored.message_id;
        insert into device_message (account_id, device_id, message_id, device_message_id, known_seq, sent_seq)
        values (of_account, of_device, target, entry.device_message_id, stored.change_seq, stored.change_seq);
      end if;
      named := named || target;
      continue;
    end if;
    named := named || entry.message_id;

    if entry.operation = 2 then
      if message_remove(of_account, target) then
        -- There is nothing to merge: the device knows all of it.
        update device_message set known_seq = message.change_seq, sent_seq = message.change_seq, due_seq = null
        from message
        where device_message.account_id = of_account and device_id = of_device and device_message.message_id = target
          and message.account_id = of_account and message.message_id = target;
      end if;
      continue;
    end if;

    select message.* into old from message join conversation using (account_id, conversation_id)
    where message.account_id = of_account and message.message_id = target
      and not message.deleted and not conversation.closed;
    continue when not found;
    changed := message_amend(
      old, entry.message, entry.read, entry.locked, entry.status, entry.date_sent, entry.date_status
    );
    -- The device knows its own change only if it knew the state before it; else it gets back what became of both.
    update device_message set known_seq = changed, sent_seq = changed
    where account_id = of_account and device_id = of_device and message_id = target and known_seq = old.change_seq
      and changed is not null;
  end loop;
  return coalesce((
    select json_agg(ack)
    from unnest(named, told) as ack ("messageId", "deviceMessageId")
  ), '[]');
end
$$;
