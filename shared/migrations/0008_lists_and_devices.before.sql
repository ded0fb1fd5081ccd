-- Writes on lists of messages, and on devices; each takes and answers as those of 0006 do.
--
-- A list comes as the text of an array, such as `{7,3}`: arrays of arrays would all have to be of one length.

-- Hands out a change number to each of these messages, in their order, with an event of this kind, in a mailbox whose
-- lock the caller holds; returns the number before the first.
create function mailbox_announce(of_account bigint, message_ids integer[], of_kind integer) returns bigint
language plpgsql volatile as $$
declare
  seq bigint;
begin
  update mailbox set last_change_seq = last_change_seq + cardinality(message_ids)
  where account_id = of_account
  returning last_change_seq - cardinality(message_ids) into strict seq;
  insert into outbox (account_id, message_id, change_seq, kind)
  select of_account, announced.message_id, seq + announced.nth, of_kind
  from unnest(message_ids) with ordinality as announced (message_id, nth) order by announced.nth;
  return seq;
end
$$;

-- The named messages that ever were, each at the first place at which it is named. `offset 0` keeps each look-up one in
-- the primary key; joined, a large account is read from end to end where the planner takes all accounts for small ones.
create function messages_named(of_account bigint, message_ids integer[])
returns table (
  message_id integer, place bigint, conversation_id integer, unread boolean, unsent boolean, locked boolean,
  deleted boolean
)
language sql stable as $$
  select named.message_id, named.place, found.*
  from (
    select sent.message_id, min(sent.place) as place
    from unnest(message_ids) with ordinality as sent (message_id, place) group by sent.message_id
  ) as named
  cross join lateral (
    select message.conversation_id, message.incoming and not message.read, not message.incoming and message.status = 5,
      message.locked, message.deleted
    from message
    where message.account_id = of_account and message.message_id = named.message_id
    offset 0
  ) as found
$$;

-- Those of the named messages that are neither deleted nor in a closed conversation, in the order in which they are
-- named; `new_locked` leaves out those that are so already, null none.
create function messages_standing(of_account bigint, message_ids integer[], new_locked boolean) returns integer[]
language sql stable as $$
  select array_agg(named.message_id order by named.place)
  from messages_named(of_account, message_ids) as named
  where not named.deleted and named.locked is distinct from new_locked and not (
    select conversation.closed from conversation
    where conversation.account_id = of_account and conversation.conversation_id = named.conversation_id
  )
$$;

-- Takes messages, deleted before, out of their conversation; the newest and the greatest are looked up in an index.
-- A conversation without messages is no more.
create function conversation_shrink(
  of_account bigint, of_conversation integer, gone integer[], unread integer, unsent integer
) returns void
language plpgsql volatile as $$
declare
  kept conversation;
begin
  update conversation set
    messages = messages - cardinality(gone), messages_unread = messages_unread - unread,
    messages_unsent = messages_unsent - unsent
  where account_id = of_account and conversation_id = of_conversation
  returning * into strict kept;

  if kept.messages = 0 then
    delete from conversation where account_id = of_account and conversation_id = of_conversation;
    return;
  end if;
  if kept.newest_message_id = any (gone) then
    update conversation set
      newest_message_id = newest.message_id, newest_date_sent = newest.date_sent, snippet = newest.snippet
    from (
      select message_id, date_sent, left(body, 100) as snippet from message
      where account_id = of_account and conversation_id = of_conversation and not deleted
      order by date_sent desc, message_id desc limit 1
    ) as newest
    where account_id = of_account and conversation_id = of_conversation;
  end if;
  if kept.max_message_id = any (gone) then
    update conversation set max_message_id = (
      select message_id from message
      where account_id = of_account and conversation_id = of_conversation and not deleted
      order by message_id desc limit 1
    )
    where account_id = of_account and conversation_id = of_conversation;
  end if;
end
$$;

-- Deletes one message of a mailbox whose lock the caller holds; returns whether there was anything to delete.
create or replace function message_remove(of_account bigint, of_message integer) returns boolean
language plpgsql volatile as $$
declare
  old message := message_standing(of_account, of_message);
  seq bigint;
begin
  if old.message_id is null then
    return false;
  end if;
  seq := mailbox_next_change(of_account);
  update message set deleted = true, body = '', change_seq = seq
  where account_id = of_account and message_id = of_message;
  perform conversation_shrink(
    of_account, old.conversation_id, array[of_message],
    (old.incoming and not old.read)::integer, (not old.incoming and old.status = 5)::integer
  );
  insert into outbox (account_id, message_id, change_seq, kind) values (of_account, of_message, seq, 3);
  return true;
end
$$;

drop function conversation_shrink(bigint, integer, integer, integer, integer);

-- Deletes those of the named messages that are there, in a mailbox whose lock the caller holds.
create function message_remove_list(of_account bigint, message_ids integer[]) returns void
language plpgsql volatile
set enable_seqscan to off -- plans stay when a table that was empty has grown
as $$
declare
  gone integer[] := messages_standing(of_account, message_ids, null);
  seq bigint;
  shrunk record;
begin
  if gone is null then
    return;
  end if;
  seq := mailbox_announce(of_account, gone, 3);
  for nth in 1 .. cardinality(gone) loop
    update message set deleted = true, body = '', change_seq = seq + nth
    where account_id = of_account and message_id = gone[nth];
  end loop;

  for shrunk in
    select conversation_id, array_agg(message_id) as gone,
      (count(*) filter (where unread))::integer as unread, (count(*) filter (where unsent))::integer as unsent
    from messages_named(of_account, gone) group by conversation_id
  loop
    perform conversation_shrink(of_account, shrunk.conversation_id, shrunk.gone, shrunk.unread, shrunk.unsent);
  end loop;
end
$$;

-- Locks or unlocks those of the named messages that are there and are not so, in a mailbox whose lock the caller holds.
create function message_apply_lock_list(of_account bigint, message_ids integer[], new_locked boolean) returns void
language plpgsql volatile
set enable_seqscan to off
as $$
declare
  changed integer[] := messages_standing(of_account, message_ids, new_locked);
  seq bigint;
begin
  if changed is null then
    return;
  end if;
  seq := mailbox_announce(of_account, changed, 2);
  for nth in 1 .. cardinality(changed) loop
    update message set locked = new_locked, change_seq = seq + nth
    where account_id = of_account and message_id = changed[nth];
  end loop;
end
$$;

-- Deletes lists of messages, entry by entry in their order.
create function message_delete_list(
  account_ids bigint[], lists text[],
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
        perform message_remove_list(account_ids[place], lists[place]::integer[]);
        answer := done_remember(account_ids[place], of_operation, keys[place], hashes[place], 0);
      end if;
    end if;
    return next;
  end loop;
end
$$;

-- Locks or unlocks lists of messages, entry by entry in their order.
create function message_lock_list(
  account_ids bigint[], lists text[], lockeds boolean[],
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
        perform message_apply_lock_list(account_ids[place], lists[place]::integer[], lockeds[place]);
        answer := done_remember(account_ids[place], of_operation, keys[place], hashes[place], 0);
      end if;
    end if;
    return next;
  end loop;
end
$$;

-- Deletes one device of a mailbox whose lock the caller holds; returns whether there was anything to delete.
create function device_remove(of_account bigint, of_device integer) returns boolean
language plpgsql volatile as $$
begin
  delete from device where account_id = of_account and device_id = of_device;
  return found;
end
$$;

-- Whether an account may have another device, in a mailbox whose lock the caller holds. At the limit it may when
-- `forced`, at the cost of the device that has not synced for the longest time.
create function device_admitted(of_account bigint, at_most integer, forced boolean) returns boolean
language plpgsql volatile as $$
begin
  if (select count(*) from device where account_id = of_account) < at_most then
    return true;
  end if;
  return forced and device_remove(of_account, (
    select device_id from device where account_id = of_account
    order by coalesce(synced_at, created_at), device_id limit 1
  ));
end
$$;

-- Registers devices, entry by entry in their order, and answers their ids.
create function device_create(
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
          push_registration_id, push_config, max_mms_size, message_history_limit, created_at
        ) values (
          account_ids[place], oses[place], sms_senders[place], call_receivers[place], call_initiators[place],
          push_registration_ids[place], push_configs[place], max_mms_sizes[place], history_limits[place], dates[place]
        ) returning device_id into strict answer;
        perform done_remember(account_ids[place], of_operation, keys[place], hashes[place], answer);
      end if;
    end if;
    return next;
  end loop;
end
$$;

-- Changes devices, null for unchanged, entry by entry in their order.
create function device_update(
  account_ids bigint[], device_ids integer[], call_receivers boolean[], call_initiators boolean[],
  push_registration_ids text[], push_configs text[], max_mms_sizes integer[],
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
        update device set
          can_receive_call = coalesce(call_receivers[place], can_receive_call),
          can_initiate_call = coalesce(call_initiators[place], can_initiate_call),
          push_registration_id = coalesce(push_registration_ids[place], push_registration_id),
          push_config = coalesce(push_configs[place], push_config),
          max_mms_size = coalesce(max_mms_sizes[place], max_mms_size)
        where account_id = account_ids[place] and device_id = device_ids[place];
        answer := case when found
          then done_remember(account_ids[place], of_operation, keys[place], hashes[place], 0) else -105 end;
      end if;
    end if;
    return next;
  end loop;
end
$$;

-- Deletes devices, entry by entry in their order.
create function device_delete(
  account_ids bigint[], device_ids integer[],
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
        answer := case when device_remove(account_ids[place], device_ids[place])
          then done_remember(account_ids[place], of_operation, keys[place], hashes[place], 0) else -105 end;
      end if;
    end if;
    return next;
  end loop;
end
$$;
