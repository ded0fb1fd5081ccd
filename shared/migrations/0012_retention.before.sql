-- Retention: messages older than so many days go, except locked ones and sends that are not done yet.

-- Null is what the installation does, 0 is never.
alter table mailbox
  add column retention_days integer,
  add constraint mailbox_retention_days_check check (retention_days >= 0) not valid;

create index mailbox_retained on mailbox (account_id) where retention_days > 0;

-- The way through all mailboxes, which one process goes at a time, a turn after the other: those up to `behind` are done.
-- Nobody begins a turn before `free_at`, so whoever has one puts it off, and is followed by others if it never ends.
create table retention_pass (
  one boolean primary key default true check (one),
  behind bigint not null default 0,
  free_at timestamptz not null default now(),
  ended_at timestamptz
);

insert into retention_pass default values;

-- The date before which messages expire after so many days, null when they never do.
create function retention_before(days integer) returns bigint
language sql stable as $$
  select case when days > 0 then (extract(epoch from now()) * 1000)::bigint - days * 86400000::bigint end
$$;

create function mailbox_set_retention(of_account bigint, days integer) returns void
language plpgsql volatile as $$
begin
  perform mailbox_lock(array[of_account], false);
  update mailbox set retention_days = days where account_id = of_account;
end
$$;

create function message_expired(kept message, before bigint) returns boolean
language sql immutable as $$
  select not kept.deleted and not kept.locked and kept.date_sent < before and (kept.incoming or kept.status not in (1, 4))
$$;

-- The account's messages that expired, at most `most` of those behind a place in their order: by conversation, the oldest
-- first. An index by date would find them sooner, but would cost every insert; this reads `message_newest` backwards.
create function mailbox_expired(
  of_account bigint, before bigint, behind_conversation integer, behind_date bigint, behind_message integer,
  most integer
) returns table (conversation_id integer, date_sent bigint, message_id integer)
language plpgsql stable
-- The indexes are right for any size of the tables, whatever is known of it.
set plan_cache_mode to force_generic_plan
set enable_seqscan to off
set enable_hashjoin to off
set enable_mergejoin to off
as $$
begin
  return query
  select conversation.conversation_id, old.date_sent, old.message_id
  from conversation
  cross join lateral (
    select message.date_sent, message.message_id from message
    where message.account_id = of_account and message.conversation_id = conversation.conversation_id
      and not message.deleted and message.date_sent < before
      and (message.date_sent, message.message_id) > (
        case when conversation.conversation_id = behind_conversation then behind_date else -9223372036854775808 end,
        case when conversation.conversation_id = behind_conversation then behind_message else 0 end
      )
      and message_expired(message, before)
    order by message.date_sent, message.message_id limit most
  ) as old
  where conversation.account_id = of_account and not conversation.closed
    and conversation.conversation_id >= behind_conversation
  order by conversation.conversation_id, old.date_sent, old.message_id limit most;
end
$$;

-- Deletes those of the named messages that are still there and still expired, also by the days that the account has now;
-- returns how many, or null when the mailbox is locked by somebody else.
create function mailbox_expire(of_account bigint, message_ids integer[], before bigint, default_days integer)
returns integer
language plpgsql volatile
set plan_cache_mode to force_generic_plan
set enable_seqscan to off
set enable_hashjoin to off
set enable_mergejoin to off
as $$
declare
  held bigint[];
  now_before bigint;
  gone integer[];
begin
  held := mailbox_lock(array[of_account], true);
  if held = '{}' then
    return null;
  end if;
  select retention_before(coalesce(retention_days, default_days)) into now_before
  from mailbox where account_id = of_account;
  if now_before is null then
    return 0;
  end if;
  gone := messages_standing(of_account, array(
    select message.message_id
    from unnest(message_ids) with ordinality as named (message_id, place)
    join message on message.account_id = of_account and message.message_id = named.message_id
    where message_expired(message, least(before, now_before))
    order by named.place
  ), null);
  perform message_remove_list(of_account, gone);
  return coalesce(cardinality(gone), 0);
end
$$;
