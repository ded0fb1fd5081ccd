-- What a device is told: its history, the page of an answer, and the sync as a whole.

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
