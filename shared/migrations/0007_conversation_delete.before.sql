-- Deleting a conversation closes it, which takes as long for a million messages as for one. The purge makes tombstones of
-- its messages later, from the greatest id down: `messages` and `max_message_id` of a closed conversation tell what is
-- left to do, so a step never looks at what earlier ones did.

create index conversation_closed on conversation (account_id, conversation_id) where closed;

-- Until then the purge leaves the mailbox to others, whichever process did the last step.
alter table mailbox add column purge_rests_until timestamptz;

-- Deletes conversations, entry by entry in their order; each entry is a JSON array of addresses, of which unknown and
-- repeated ones count for nothing.
create function conversation_delete(
  account_ids bigint[], addresses json[],
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
        update conversation set closed = true
        where account_id = account_ids[place] and not closed
          and address = any (array(select json_array_elements_text(addresses[place])));
        answer := done_remember(account_ids[place], of_operation, keys[place], hashes[place], 0);
      end if;
    end if;
    return next;
  end loop;
end
$$;

-- Makes tombstones of `most` messages of closed conversations and returns how many there were; null when the mailbox is
-- locked by somebody else, or rests. It then rests for `rest` times as long as this took. A conversation goes with its
-- last message.
create function conversation_purge(of_account bigint, most integer, rest double precision) returns integer
language plpgsql volatile
-- The indexes are right for any size of the tables, whatever is known of it.
set plan_cache_mode to force_generic_plan
set enable_seqscan to off
set enable_hashjoin to off
set enable_mergejoin to off
as $$
declare
  began timestamptz := clock_timestamp();
  held bigint[];
  purged integer;
begin
  held := mailbox_lock(array[of_account], true);
  if held = '{}' or exists (select from mailbox where account_id = of_account and purge_rests_until > began) then
    return null;
  end if;

  with closed as (
    select conversation_id, max_message_id, messages, sum(messages) over (order by conversation_id) - messages as before
    from (
      select conversation_id, max_message_id, messages from conversation
      where account_id = of_account and closed order by conversation_id limit most
    ) as first
  ),
  turn as materialized (
    select conversation_id, max_message_id, messages, least(messages, most - before) as share
    from closed where before < most
  ),
  doomed as materialized (
    select turn.conversation_id, greatest.message_id,
      mailbox.last_change_seq
        + row_number() over (order by turn.conversation_id, greatest.message_id desc) as change_seq
    from mailbox
    cross join turn
    cross join lateral (
      select message.message_id from message
      where message.account_id = of_account and message.conversation_id = turn.conversation_id
        and not message.deleted and message.message_id <= turn.max_message_id
      order by message.message_id desc limit turn.share
    ) as greatest
    where mailbox.account_id = of_account
  ),
  -- Only the last of the turn can have messages left.
  remaining as materialized (
    select turn.conversation_id, turn.messages - turn.share as messages, min(doomed.message_id) - 1 as max_message_id,
      count(doomed.message_id) < turn.share or turn.share = turn.messages as is_empty
    from turn left join doomed using (conversation_id)
    group by turn.conversation_id, turn.messages, turn.share
  ),
  removed as (
    delete from conversation
    where account_id = of_account
      and conversation_id = any (array(select remaining.conversation_id from remaining where remaining.is_empty))
  ),
  shrunk as (
    update conversation set messages = remaining.messages, max_message_id = remaining.max_message_id from remaining
    where account_id = of_account and conversation.conversation_id = remaining.conversation_id
      and not remaining.is_empty
  ),
  buried as (
    update message set deleted = true, body = '', change_seq = doomed.change_seq from doomed
    where account_id = of_account and message.message_id = doomed.message_id
  ),
  announced as (
    insert into outbox (account_id, message_id, change_seq, kind)
    select of_account, doomed.message_id, doomed.change_seq, 3 from doomed order by doomed.change_seq
  )
  select count(*) into purged from doomed;

  update mailbox set
    last_change_seq = last_change_seq + purged,
    purge_rests_until = clock_timestamp() + rest * (clock_timestamp() - began)
  where account_id = of_account;
  return purged;
end
$$;
