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
    else octet_length(to_json(body)::text) + 5 * (length(body) - length(translate(body, e'&<>"''\t\n\r', '')))
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
    (not new_incoming and new_status = 5)::integer,
    stored.message_id, stored.message_id, new_date_sent, left(new_body, 100)
  )
  on conflict (account_id, address) where not closed do update set
    messages = kept.messages + 1,
    messages_unread = kept.messages_unread + excluded.messages_unread,
    messages_unsent = kept.messages_unsent + excluded.messages_unsent,
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
        limit 1
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

-- Drops what waits for a device and queues the newest messages, as many as it wants, as if it had none of them; except
-- what the device itself wrote behind the change `before`. Returns the device as it then is.
create function device_queue_history(asking device, before bigint) returns device
language plpgsql volatile as $$
declare
  wanted integer := asking.message_history_limit;
  share integer;
  since bigint;
  queued integer;
begin
  select last_change_seq into strict asking.scanned_seq from mailbox where account_id = asking.account_id;
  update device_message set due_seq = null
  where account_id = asking.account_id and device_id = asking.device_id and due_seq >= asking.due_from;

  -- A date behind which there are enough, found among the newest few of each conversation: no conversation is then read
  -- much further than that, however large the mailbox is.
  select 10 + 2 * wanted / greatest(count(*), 1) into share from conversation
  where account_id = asking.account_id and not closed;
  select newest.date_sent into since
  from conversation
  cross join lateral (
    select message.date_sent from message
    where message.account_id = asking.account_id and message.conversation_id = conversation.conversation_id
      and not message.deleted
    order by message.date_sent desc, message.message_id desc limit share
  ) as newest
  where conversation.account_id = asking.account_id and not conversation.closed
  order by newest.date_sent desc offset greatest(wanted - 1, 0) limit 1;

  insert into device_message as kept (account_id, device_id, message_id, known_seq, sent_seq, due_seq)
  select asking.account_id, asking.device_id, history.message_id, 0, 0,
    asking.scanned_seq - row_number() over (order by history.date_sent desc, history.message_id desc) + 1
  from (
    select newest.*
    from conversation
    cross join lateral (
      select message.message_id, message.date_sent, message.change_seq from message
      where message.account_id = asking.account_id and message.conversation_id = conversation.conversation_id
        and not message.deleted and message.date_sent >= coalesce(since, -9223372036854775808)
      order by message.date_sent desc, message.message_id desc limit wanted
    ) as newest
    where conversation.account_id = asking.account_id and not conversation.closed
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

-- The next page for a device: first what waits, then what changed behind `scanned_seq`, up to `wanted` changes and as
-- many octets, without the messages `left_out`. Looks at so many candidates at most: `unfinished` says that there may be
-- more although the page is empty.
create function device_page(
  asking device, left_out integer[], wanted integer, octets bigint, looks integer, now bigint,
  out syncs json, out unfinished boolean
)
language plpgsql volatile as $$
declare
  candidate record;
  looked integer := 0;
  room bigint := octets;
  is_full boolean := false;
  scanned bigint := asking.scanned_seq;
  first_due bigint;
  last_due bigint;
  void integer[] := '{}';
  put_off integer[] := '{}';
  ids integer[] := '{}';
  seqs bigint[] := '{}';
  places bigint[] := '{}';
begin
  for candidate in
    select due.message_id, due.due_seq, message.change_seq, not message.deleted and conversation.closed as is_closed,
      512 + wire_octets(message.body) + 6 * coalesce(octet_length(conversation.address), 0) as octets
    from device_message as due
    left join lateral (
      select message.* from message
      where message.account_id = asking.account_id and message.message_id = due.message_id offset 0
    ) as message on true
    left join lateral (
      select conversation.closed, conversation.address from conversation
      where conversation.account_id = asking.account_id and conversation.conversation_id = message.conversation_id
      offset 0
    ) as conversation on true
    where due.account_id = asking.account_id and due.device_id = asking.device_id and due.due_seq >= asking.due_from
    order by due.due_seq limit looks
  loop
    looked := looked + 1;
    last_due := candidate.due_seq;
    -- It changed again, or is about to become a tombstone, which is a change; or its tombstone is gone.
    if num_nulls(candidate.change_seq) = 1 or candidate.change_seq > scanned or candidate.is_closed then
      void := void || candidate.message_id;
      continue;
    end if;
    first_due := coalesce(first_due, candidate.due_seq);
    continue when candidate.message_id = any (left_out);
    is_full := cardinality(ids) = wanted or room < candidate.octets and cardinality(ids) > 0;
    exit when is_full;
    room := room - candidate.octets;
    ids := ids || candidate.message_id;
    seqs := seqs || candidate.change_seq;
    places := places || candidate.due_seq;
  end loop;
  asking.due_from := coalesce(first_due, case when looked = looks then last_due else scanned + 1 end);

  if not is_full and looked < looks then
    for candidate in
      select message.message_id, message.change_seq,
        case when message.deleted then coalesce(kept.sent_seq, 0) = 0 else conversation.closed end
          or coalesce(kept.known_seq, 0) >= message.change_seq as is_settled,
        512 + wire_octets(message.body) + 6 * coalesce(octet_length(conversation.address), 0) as octets
      from message
      left join lateral (
        select conversation.closed, conversation.address from conversation
        where conversation.account_id = asking.account_id and conversation.conversation_id = message.conversation_id
        offset 0
      ) as conversation on true
      left join lateral (
        select known_seq, sent_seq from device_message
        where account_id = asking.account_id and device_id = asking.device_id
          and device_message.message_id = message.message_id
        offset 0
      ) as kept on true
      where message.account_id = asking.account_id and message.change_seq > asking.scanned_seq
      order by message.change_seq limit looks - looked
    loop
      looked := looked + 1;
      if not candidate.is_settled then
        if candidate.message_id = any (left_out) then
          put_off := put_off || candidate.message_id;
        else
          is_full := cardinality(ids) = wanted or room < candidate.octets and cardinality(ids) > 0;
          exit when is_full;
          room := room - candidate.octets;
          ids := ids || candidate.message_id;
          seqs := seqs || candidate.change_seq;
          places := places || candidate.change_seq;
        end if;
      end if;
      scanned := candidate.change_seq;
    end loop;
  end if;
  unfinished := cardinality(ids) = 0 and not is_full and looked >= looks;

  for nth in 1 .. cardinality(void) loop
    update device_message set due_seq = null
    where account_id = asking.account_id and device_id = asking.device_id and message_id = void[nth];
  end loop;
  for nth in 1 .. cardinality(put_off) loop
    update device_message set due_seq = (
      select change_seq from message where account_id = asking.account_id and message_id = put_off[nth]
    )
    where account_id = asking.account_id and device_id = asking.device_id and message_id = put_off[nth];
  end loop;
  if cardinality(ids) > 0 then
    insert into device_message as kept (account_id, device_id, message_id, known_seq, sent_seq, due_seq)
    select asking.account_id, asking.device_id, page.message_id, 0, page.change_seq, page.due_seq
    from unnest(ids, seqs, places) as page (message_id, change_seq, due_seq)
    on conflict (account_id, device_id, message_id) do update
    set sent_seq = excluded.sent_seq, due_seq = excluded.due_seq
    where (kept.sent_seq, kept.due_seq) is distinct from (excluded.sent_seq, excluded.due_seq);
  end if;
  update device set synced_at = now, scanned_seq = scanned, due_from = asking.due_from
  where account_id = asking.account_id and device_id = asking.device_id;

  syncs := device_entries(asking.account_id, asking.device_id, ids);
end
$$;

-- Messages as the entries of an answer to a device that has a row for each.
create function device_entries(of_account bigint, of_device integer, message_ids integer[]) returns json
language plpgsql stable as $$
begin
  if message_ids = '{}' then
    return '[]';
  end if;
  return (
    select json_strip_nulls(json_agg(entry))
    from (
      select case when message.deleted then 2 when kept.known_seq > 0 then 0 else 1 end as "operation",
        message.message_id as "messageId", coalesce(kept.device_message_id, 0) as "deviceMessageId",
        there.address, there.message, there.incoming, there.read, there.locked, there.origin, there.status,
        there."dateSent", there."dateStatus"
      from unnest(message_ids) with ordinality as page (message_id, place)
      cross join lateral (
        select message.* from message
        where message.account_id = of_account and message.message_id = page.message_id offset 0
      ) as message
      cross join lateral (
        select known_seq, device_message_id from device_message
        where account_id = of_account and device_id = of_device and message_id = page.message_id offset 0
      ) as kept
      left join lateral (
        select conversation.address, message.body as message, message.incoming, message.read, message.locked,
          message.origin, device_status(message.status) as status, message.date_sent as "dateSent",
          message.date_status as "dateStatus"
        from conversation
        where conversation.account_id = of_account and conversation.conversation_id = message.conversation_id
          and not message.deleted
        offset 0
      ) as there on true
      order by page.place
    ) as entry
  );
end
$$;

-- Syncs of devices, entry by entry in their order: acks, then the device's own changes, then the page of the answer.
-- `acks` and `told` are texts of arrays, of the messages' ids and of the device's own; no key has an effect. Beside the
-- answer, which is 0 or minus the number of a fault, it returns what `device_write` and `device_page` do.
create function device_sync(
  account_ids bigint[], device_ids integer[], acks text[], told text[], entries json[], initials boolean[],
  wanteds integer[], dates bigint[], octets bigint[], looks integer[],
  of_operation text, keys text[], hashes bytea[], skip_locked boolean
) returns table ("position" integer, answer integer, confirmed json, syncs json, unfinished boolean)
language plpgsql volatile
-- The indexes are right for any size of the tables, whatever is known of it.
set plan_cache_mode to force_generic_plan
set enable_seqscan to off
set enable_bitmapscan to off
set enable_hashjoin to off
set enable_mergejoin to off
set enable_sort to off
as $$
declare
  held bigint[];
  asking device;
  acked integer[];
  left_out integer[];
  before bigint;
  is_quiet boolean := true;
begin
  held := mailbox_lock(account_ids, skip_locked);
  for place in 1 .. cardinality(account_ids) loop
    "position" := place;
    answer := null;
    confirmed := null;
    syncs := null;
    unfinished := null;
    if account_ids[place] = any (held) then
      select * into asking from device where account_id = account_ids[place] and device_id = device_ids[place];
      answer := case when found then 0 else -105 end;
    end if;
    if answer = 0 then
      acked := acks[place]::integer[];
      perform device_acknowledge(account_ids[place], device_ids[place], acked, told[place]::integer[]);
      select last_change_seq into strict before from mailbox where account_id = account_ids[place];
      confirmed := device_write(account_ids[place], device_ids[place], entries[place], dates[place]);
      if initials[place] then
        asking := device_queue_history(asking, before);
      end if;
      -- Else a repeat of this call, whose answer was lost, would ack what only that answer held.
      left_out := device_behind(account_ids[place], device_ids[place], acked);
      select page.* into syncs, unfinished
      from device_page(asking, left_out, wanteds[place], octets[place], looks[place], dates[place]) as page;
      is_quiet := is_quiet and cardinality(acked) + json_array_length(entries[place]) = 0 and not initials[place]
        and syncs::text = '[]';
    end if;
    return next;
  end loop;
  if is_quiet then
    -- Nobody was told anything that a crash could undo: such a sync is as cheap as a read.
    perform set_config('synchronous_commit', 'off', true);
  end if;
end
$$;
