-- The mailbox: messages and conversations of every account, and the functions that write them.
--
-- All dates are milliseconds since 1970-01-01T00:00:00Z. Every statement names the account. A row of `mailbox` is locked
-- by `mailbox_lock` alone, which every function that commands call runs first, once: the statements after it see what was
-- committed before the lock was had. Functions without a lock of their own are for callers that hold it.

create table mailbox (
  account_id bigint primary key,
  last_message_id integer not null default 0,
  last_change_seq bigint not null default 0
) with (fillfactor = 60);

-- `conversation_id` is the id of the message that opened the conversation, so it needs no counter. A closed conversation
-- and its messages are gone for every reader and writer; a new message to the address opens another one.
create table conversation (
  account_id bigint not null,
  conversation_id integer not null,
  address text not null,
  closed boolean not null default false,
  messages integer not null,
  messages_unread integer not null,
  messages_unsent integer not null,
  max_message_id integer not null,
  newest_message_id integer not null,
  newest_date_sent bigint not null,
  snippet text not null,
  primary key (account_id, conversation_id)
) with (fillfactor = 60);

create unique index conversation_open on conversation (account_id, address) where not closed;

-- A deleted message stays as a row without a body, so that its change number can be read.
create table message (
  account_id bigint not null,
  message_id integer not null,
  conversation_id integer not null,
  change_seq bigint not null,
  date_sent bigint not null,
  date_status bigint,
  origin integer not null,
  status smallint not null,
  incoming boolean not null,
  read boolean not null,
  locked boolean not null,
  deleted boolean not null default false,
  body text not null,
  primary key (account_id, message_id)
);

create index message_newest on message (account_id, conversation_id, date_sent desc, message_id desc) where not deleted;
create index message_greatest on message (account_id, conversation_id, message_id desc) where not deleted;
create index message_unread on message (account_id, conversation_id) where incoming and not read and not deleted;
create index message_change on message (account_id, change_seq);

create table outbox (
  id bigint generated always as identity primary key,
  account_id bigint not null,
  message_id integer not null,
  change_seq bigint not null,
  kind smallint not null check (kind in (1, 2, 3)) -- 1 stored, 2 changed, 3 deleted
);

-- Takes the mailboxes' locks in one order, so that writers never wait for each other in a circle, and returns the ids of
-- those taken: all of them, or with `skip_locked` those that nobody else holds. Creates the mailboxes that are missing.
create function mailbox_lock(account_ids bigint[], skip_locked boolean) returns bigint[]
language plpgsql volatile as $$
declare
  taken bigint[];
begin
  insert into mailbox (account_id)
  select distinct wanted.account_id
  from unnest(account_ids) as wanted (account_id)
  where not exists (select from mailbox where mailbox.account_id = wanted.account_id)
  order by wanted.account_id
  on conflict (account_id) do nothing;

  if skip_locked then
    select array_agg(held.account_id) into taken from (
      select mailbox.account_id from mailbox where mailbox.account_id = any (account_ids)
      order by mailbox.account_id for update skip locked
    ) as held;
  else
    select array_agg(held.account_id) into taken from (
      select mailbox.account_id from mailbox where mailbox.account_id = any (account_ids)
      order by mailbox.account_id for update
    ) as held;
  end if;
  return coalesce(taken, '{}');
end
$$;

-- The next change number of a mailbox whose lock the caller holds.
create function mailbox_next_change(of_account bigint) returns bigint
language sql volatile as $$
  update mailbox set last_change_seq = last_change_seq + 1 where account_id = of_account returning last_change_seq
$$;

-- Stores messages, several of one account and address too, and returns the id of each by its position in the arrays,
-- counted from 1; the id is null where the mailbox was skipped.
create function message_insert(
  account_ids bigint[], addresses text[], bodies text[], dates bigint[], reads boolean[], lockeds boolean[],
  origins integer[], statuses smallint[], incomings boolean[], skip_locked boolean
) returns table ("position" integer, message_id integer)
language plpgsql volatile
-- Planning this statement costs more than running it, and tables that were empty when it was planned must not count.
set plan_cache_mode to force_generic_plan
set enable_seqscan to off
as $$
#variable_conflict use_column
declare
  taken bigint[];
begin
  taken := mailbox_lock(account_ids, skip_locked);

  return query
  with entry as materialized (
    select sent.*,
      row_number() over (partition by sent.account_id order by sent.place) as nth
    from unnest(account_ids, addresses, bodies, dates, reads, lockeds, origins, statuses, incomings)
      with ordinality as sent (account_id, address, body, date_sent, read, locked, origin, status, incoming, place)
    where sent.account_id = any (taken)
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
      account_id, message_id, conversation_id, change_seq, date_sent, origin, status, incoming, read, locked, body
    )
    select numbered.account_id, numbered.message_id, opened.conversation_id, numbered.change_seq,
      numbered.date_sent, numbered.origin, numbered.status, numbered.incoming, numbered.read, numbered.locked,
      numbered.body
    from numbered join opened on opened.account_id = numbered.account_id and opened.address = numbered.address
  ),
  announced as (
    insert into outbox (account_id, message_id, change_seq, kind)
    select numbered.account_id, numbered.message_id, numbered.change_seq, 1 from numbered
  )
  select asked.place, numbered.message_id
  from generate_series(1, cardinality(account_ids)) as asked (place)
  left join numbered on numbered.place = asked.place;
end
$$;

-- Takes one message, deleted before, out of its conversation; the newest and the greatest are looked up in an index.
-- A conversation without messages is no more.
create function conversation_shrink(
  of_account bigint, of_conversation integer, of_message integer, unread integer, unsent integer
) returns void
language plpgsql volatile as $$
declare
  kept conversation;
  newest message;
begin
  update conversation set
    messages = messages - 1, messages_unread = messages_unread - unread, messages_unsent = messages_unsent - unsent
  where account_id = of_account and conversation_id = of_conversation
  returning * into strict kept;

  if kept.messages = 0 then
    delete from conversation where account_id = of_account and conversation_id = of_conversation;
    return;
  end if;
  if kept.newest_message_id = of_message then
    select * into strict newest from message
    where account_id = of_account and conversation_id = of_conversation and not deleted
    order by date_sent desc, message_id desc limit 1;
    update conversation set
      newest_message_id = newest.message_id, newest_date_sent = newest.date_sent, snippet = left(newest.body, 100)
    where account_id = of_account and conversation_id = of_conversation;
  end if;
  if kept.max_message_id = of_message then
    update conversation set max_message_id = (
      select message_id from message
      where account_id = of_account and conversation_id = of_conversation and not deleted
      order by message_id desc limit 1
    )
    where account_id = of_account and conversation_id = of_conversation;
  end if;
end
$$;

-- The message as it stands, or a row of nulls when it is deleted, in a closed conversation, or was never there.
create function message_standing(of_account bigint, of_message integer) returns message
language sql stable as $$
  select message.* from message
  join conversation using (account_id, conversation_id)
  where message.account_id = of_account and message.message_id = of_message
    and not message.deleted and not conversation.closed
$$;

-- Deletes one message of a mailbox whose lock the caller holds; returns whether there was anything to delete.
create function message_remove(of_account bigint, of_message integer) returns boolean
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
    of_account, old.conversation_id, of_message,
    (old.incoming and not old.read)::integer, (not old.incoming and old.status = 5)::integer
  );
  insert into outbox (account_id, message_id, change_seq, kind) values (of_account, of_message, seq, 3);
  return true;
end
$$;

-- Sets the flags of one message of a mailbox whose lock the caller holds, null for unchanged; returns whether that
-- changed anything.
create function message_apply(of_account bigint, of_message integer, new_read boolean, new_locked boolean)
returns boolean
language plpgsql volatile as $$
declare
  old message := message_standing(of_account, of_message);
  seq bigint;
begin
  new_read := coalesce(new_read, old.read);
  new_locked := coalesce(new_locked, old.locked);
  if old.message_id is null or (new_read = old.read and new_locked = old.locked) then
    return false;
  end if;
  seq := mailbox_next_change(of_account);
  update message set read = new_read, locked = new_locked, change_seq = seq
  where account_id = of_account and message_id = of_message;
  if old.incoming and new_read <> old.read then
    update conversation set messages_unread = messages_unread + case when new_read then -1 else 1 end
    where account_id = of_account and conversation_id = old.conversation_id;
  end if;
  insert into outbox (account_id, message_id, change_seq, kind) values (of_account, of_message, seq, 2);
  return true;
end
$$;

-- Marks every incoming message of an address as read, in a mailbox whose lock the caller holds.
create function conversation_apply_read(of_account bigint, of_address text) returns void
language plpgsql volatile as $$
declare
  target integer;
  seq bigint;
begin
  select conversation_id into target from conversation
  where account_id = of_account and address = of_address and not closed and messages_unread > 0;
  if not found then
    return;
  end if;
  select last_change_seq into strict seq from mailbox where account_id = of_account;
  with unread as (
    select message_id, seq + row_number() over (order by message_id) as change_seq from message
    where account_id = of_account and conversation_id = target and incoming and not read and not deleted
  ),
  changed as (
    update message set read = true, change_seq = unread.change_seq from unread
    where message.account_id = of_account and message.message_id = unread.message_id
  ),
  announced as (
    insert into outbox (account_id, message_id, change_seq, kind)
    select of_account, message_id, change_seq, 2 from unread order by change_seq
  )
  update mailbox set last_change_seq = seq + (select count(*) from unread) where account_id = of_account;
  update conversation set messages_unread = 0 where account_id = of_account and conversation_id = target;
end
$$;

-- Sets flags of messages, null for unchanged, entry by entry in their order; `taken` is false for skipped mailboxes.
create function message_update(
  account_ids bigint[], message_ids integer[], reads boolean[], lockeds boolean[], skip_locked boolean
) returns table ("position" integer, taken boolean)
language plpgsql volatile as $$
declare
  held bigint[];
begin
  held := mailbox_lock(account_ids, skip_locked);
  for place in 1 .. cardinality(account_ids) loop
    "position" := place;
    taken := account_ids[place] = any (held);
    if taken then
      perform message_apply(account_ids[place], message_ids[place], reads[place], lockeds[place]);
    end if;
    return next;
  end loop;
end
$$;

-- Deletes messages, entry by entry in their order; `taken` is false for skipped mailboxes.
create function message_delete(account_ids bigint[], message_ids integer[], skip_locked boolean)
returns table ("position" integer, taken boolean)
language plpgsql volatile as $$
declare
  held bigint[];
begin
  held := mailbox_lock(account_ids, skip_locked);
  for place in 1 .. cardinality(account_ids) loop
    "position" := place;
    taken := account_ids[place] = any (held);
    if taken then
      perform message_remove(account_ids[place], message_ids[place]);
    end if;
    return next;
  end loop;
end
$$;

-- Marks conversations as read, entry by entry in their order; `taken` is false for skipped mailboxes.
create function conversation_read(account_ids bigint[], addresses text[], skip_locked boolean)
returns table ("position" integer, taken boolean)
language plpgsql volatile as $$
declare
  held bigint[];
begin
  held := mailbox_lock(account_ids, skip_locked);
  for place in 1 .. cardinality(account_ids) loop
    "position" := place;
    taken := account_ids[place] = any (held);
    if taken then
      perform conversation_apply_read(account_ids[place], addresses[place]);
    end if;
    return next;
  end loop;
end
$$;
