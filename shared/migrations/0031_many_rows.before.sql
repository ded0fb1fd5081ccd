-- ahead-of: 0021, 0029
-- What is asked of one account costs what it gives, whatever most accounts have, and however many jobs there were.

-- Where most accounts have a conversation or two, it is taken to be as cheap to read all of an account as to look one up,
-- and an account of thousands pays for it. These say how many accounts there are to a row, at most.
alter table conversation alter column account_id set (n_distinct = -0.05);
alter table message alter column account_id set (n_distinct = -0.01);
analyze conversation;
analyze message;

-- Sorted, each page reads all that is left of the mailbox; in the order of the indexes it reads what it gives.
alter function mailbox_expired(bigint, bigint, integer, bigint, integer, integer) set enable_sort to off;

-- Jobs leave the indexes of their states soon. Who looks there steps over them until they are vacuumed.
alter table delivery_job set (
  autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 10000, autovacuum_analyze_scale_factor = 0.02
);

-- As before, but no receipt of what was never sent here is looked into any further.
create or replace function delivery_match_parked(most integer) returns integer
language plpgsql volatile
set plan_cache_mode to force_generic_plan
set enable_seqscan to off
as $$
declare
  came record;
  matched integer := 0;
begin
  for came in
    select named.account_id, named.message_id, early.carrier, early.carrier_id
    from (
      select * from delivery_parked as parked
      where parked.parked_at > delivery_now() - 60000 and exists (
        select from delivery_part where carrier = parked.carrier and carrier_id = parked.carrier_id
      )
      -- First these, then the function, which costs ten times as much.
      offset 0
    ) as early
    cross join lateral delivery_part_of(early.carrier, early.carrier_id, early.number) as named
    where named.account_id is not null
    order by named.account_id, named.message_id limit most
  loop
    perform from delivery_job
    where account_id = came.account_id and message_id = came.message_id for update skip locked;
    if found then
      perform delivery_unpark(came.account_id, came.message_id, came.carrier, came.carrier_id);
      matched := matched + 1;
    end if;
  end loop;
  return matched;
end
$$;

-- Marks the first `most` unread messages of an address as read, in a mailbox whose lock the caller holds; returns whether
-- there are more.
create function conversation_apply_read(of_account bigint, of_address text, most integer) returns boolean
language plpgsql volatile as $$
declare
  target integer;
  seq bigint;
  marked integer;
begin
  select conversation_id into target from conversation
  where account_id = of_account and address = of_address and not closed and messages_unread > 0;
  if not found then
    return false;
  end if;
  select last_change_seq into strict seq from mailbox where account_id = of_account;
  with unread as (
    select message_id, seq + row_number() over (order by message_id) as change_seq from message
    where account_id = of_account and conversation_id = target and incoming and not read and not deleted
    order by message_id limit most
  ),
  changed as (
    update message set read = true, change_seq = unread.change_seq from unread
    where message.account_id = of_account and message.message_id = unread.message_id
  ),
  announced as (
    insert into outbox (account_id, message_id, change_seq, kind)
    select of_account, message_id, change_seq, 2 from unread order by change_seq
  )
  select count(*) into marked from unread;
  update mailbox set last_change_seq = seq + marked where account_id = of_account;
  update conversation set messages_unread = messages_unread - marked
  where account_id = of_account and conversation_id = target;
  return marked = most;
end
$$;

-- Marks conversations as read, entry by entry in their order, at most `most` messages of each; the answer is then 1, and
-- the command is to be given again. A mailbox with 200,000 unread messages would be held for 17 s.
create function conversation_read(
  account_ids bigint[], addresses text[],
  of_operation text, keys text[], hashes bytea[], skip_locked boolean, most integer
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
        answer := conversation_apply_read(account_ids[place], addresses[place], most)::integer;
        if answer = 0 then
          answer := done_remember(account_ids[place], of_operation, keys[place], hashes[place], 0);
        end if;
      end if;
    end if;
    return next;
  end loop;
end
$$;
