-- Every write takes arrays with a place for each command, then the operation, its commands' keys and hashes of their
-- requests (null without a key), and whether to skip mailboxes locked by others. It returns the answer of each place,
-- counted from 1: null where the mailbox was skipped, minus the number of a fault, an id, or 0. No two commands of one
-- call have the same account and key.

alter table outbox drop constraint outbox_kind_check;
alter table outbox add constraint outbox_kind_check check (kind in (1, 2, 3, 4)) not valid; -- 4 a send was asked for

-- Stores messages, several of one account and address too, and answers their ids. `sends` are announced to be delivered;
-- `device_ids` name the device that asked for it, 0 for none, or say which fault the command gets unless it was done
-- before: minus its number.
create function message_insert(
  account_ids bigint[], addresses text[], bodies text[], dates bigint[], reads boolean[], lockeds boolean[],
  origins integer[], statuses smallint[], incomings boolean[], dates_status bigint[], sends boolean[],
  device_ids integer[], of_operation text, keys text[], hashes bytea[], skip_locked boolean
) returns table ("position" integer, answer integer)
language plpgsql volatile
-- Planning this statement costs more than running it, and tables that were empty when it was planned must not count.
set plan_cache_mode to force_generic_plan
set enable_seqscan to off
as $$
#variable_conflict use_column
declare
  taken bigint[];
  keyed boolean := exists (select from unnest(keys) as asked (key) where key is not null);
  settled integer[]; -- answers that are known before anything is stored
  answers integer[];
begin
  taken := mailbox_lock(account_ids, skip_locked);

  if keyed or exists (select from unnest(device_ids) as asked (device_id) where device_id <> 0) then
    -- `done_recall` for all at once.
    select array_agg(
      case
        when asked.account_id <> all (taken) then null
        when done.key is null then device_fault(asked.account_id, asked.device_id)
        when done.request_hash = asked.request_hash then done.answer
        else -422
      end order by asked.place
    ) into settled
    from unnest(account_ids, keys, hashes, device_ids)
      with ordinality as asked (account_id, key, request_hash, device_id, place)
    -- `offset 0` keeps each look-up one in the index, whatever the tables looked like when this was planned.
    left join lateral (
      select done.key, done.request_hash, done.answer from done
      where done.account_id = asked.account_id and done.operation = of_operation and done.key = asked.key
        and done.at > now() - interval '7 days'
      offset 0
    ) as done on true;
  end if;

  with entry as materialized (
    select sent.*,
      row_number() over (partition by sent.account_id order by sent.place) as nth
    from unnest(
      account_ids, addresses, bodies, dates, reads, lockeds, origins, statuses, incomings, dates_status, sends
    ) with ordinality as sent (
      account_id, address, body, date_sent, read, locked, origin, status, incoming, date_status, send, place
    )
    -- `is null` would say the same, but is taken to be rare, and the plan for few rows costs a fifth more.
    where sent.account_id = any (taken) and num_nonnulls(settled[sent.place]) <> 1
  ),
  counted as (
    update mailbox set
      last_message_id = mailbox.last_message_id + added.messages,
      last_change_seq = mailbox.last_change_seq + added.messages
    from (select entry.account_id, count(*)::integer as messages from entry group by entry.account_id) as added
    where mailbox.account_id = added.account_id
    returning mailbox.account_id,
      mailbox.last_message_id - added.messages as message_id, mailbox.last_change_seq - added.messages as change_seq
  ),
  numbered as materialized (
    select entry.*,
      (counted.message_id + entry.nth)::integer as message_id, counted.change_seq + entry.nth as change_seq
    from entry join counted on counted.account_id = entry.account_id
  ),
  gathered as (
    select numbered.account_id, numbered.address,
      count(*)::integer as messages,
      (count(*) filter (where numbered.incoming and not numbered.read))::integer as messages_unread,
      (count(*) filter (where not numbered.incoming and numbered.status = 5))::integer as messages_unsent,
      min(numbered.message_id) as first_message_id,
      max(numbered.message_id) as max_message_id,
      max(array[numbered.date_sent, numbered.message_id]) as newest
    from numbered group by numbered.account_id, numbered.address
  ),
  opened as (
    insert into conversation as kept (
      account_id, conversation_id, address, messages, messages_unread, messages_unsent,
      max_message_id, newest_message_id, newest_date_sent, snippet
    )
    select gathered.account_id, gathered.first_message_id, gathered.address,
      gathered.messages, gathered.messages_unread, gathered.messages_unsent,
      gathered.max_message_id, numbered.message_id, numbered.date_sent, left(numbered.body, 100)
    from gathered
    join numbered on numbered.account_id = gathered.account_id and numbered.message_id = gathered.newest[2]
    on conflict (account_id, address) where not closed do update set
      messages = kept.messages + excluded.messages,
      messages_unread = kept.messages_unread + excluded.messages_unread,
      messages_unsent = kept.messages_unsent + excluded.messages_unsent,
      max_message_id = excluded.max_message_id,
      newest_message_id = case when excluded.newest_date_sent >= kept.newest_date_sent
        then excluded.newest_message_id else kept.newest_message_id end,
      newest_date_sent = greatest(kept.newest_date_sent, excluded.newest_date_sent),
      snippet = case when excluded.newest_date_sent >= kept.newest_date_sent
        then excluded.snippet else kept.snippet end
    returning kept.account_id, kept.address, kept.conversation_id
  ),
  stored as (
    insert into message (
      account_id, message_id, conversation_id, change_seq, date_sent, date_status, origin, status, incoming, read, locked,
      body
    )
    select numbered.account_id, numbered.message_id, opened.conversation_id, numbered.change_seq,
      numbered.date_sent, numbered.date_status, numbered.origin, numbered.status, numbered.incoming, numbered.read,
      numbered.locked, numbered.body
    from numbered join opened on opened.account_id = numbered.account_id and opened.address = numbered.address
  ),
  announced as (
    insert into outbox (account_id, message_id, change_seq, kind)
    select numbered.account_id, numbered.message_id, numbered.change_seq, event.kind
    from numbered cross join lateral (values (1, true), (4, numbered.send)) as event (kind, happened)
    where event.happened
  )
  select array_agg(coalesce(settled[asked.place], numbered.message_id) order by asked.place) into answers
  from generate_series(1, cardinality(account_ids)) as asked (place)
  left join numbered on numbered.place = asked.place;

  if keyed then
    insert into done (account_id, operation, key, request_hash, answer, slot)
    select asked.account_id, of_operation, asked.key, asked.request_hash, asked.answer, done_slot(0)
    from unnest(account_ids, keys, hashes, answers, settled) as asked (account_id, key, request_hash, answer, settled)
    where asked.key is not null and asked.answer is not null and asked.settled is null;
  end if;
  return query select asked.place, answers[asked.place] from generate_series(1, cardinality(answers)) as asked (place);
end
$$;

-- Sets flags of messages, null for unchanged, entry by entry in their order.
create function message_update(
  account_ids bigint[], message_ids integer[], reads boolean[], lockeds boolean[],
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
      if answer is null then
        perform message_apply(account_ids[place], message_ids[place], reads[place], lockeds[place]);
        answer := done_remember(account_ids[place], of_operation, keys[place], hashes[place], 0);
      end if;
    end if;
    return next;
  end loop;
end
$$;

-- Deletes messages, entry by entry in their order.
create function message_delete(
  account_ids bigint[], message_ids integer[],
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
      if answer is null then
        perform message_remove(account_ids[place], message_ids[place]);
        answer := done_remember(account_ids[place], of_operation, keys[place], hashes[place], 0);
      end if;
    end if;
    return next;
  end loop;
end
$$;

-- Marks conversations as read, entry by entry in their order.
create function conversation_read(
  account_ids bigint[], addresses text[],
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
      if answer is null then
        perform conversation_apply_read(account_ids[place], addresses[place]);
        answer := done_remember(account_ids[place], of_operation, keys[place], hashes[place], 0);
      end if;
    end if;
    return next;
  end loop;
end
$$;
