-- Says what became of sends, entry by entry in their order: a message that is there and that still is pending (1) or
-- waits for its time (4) gets the status, the origin and the date of it. Any other is left alone, so that no status goes
-- backwards.
create function message_settle(
  account_ids bigint[], message_ids integer[], statuses smallint[], origins integer[], dates bigint[],
  of_operation text, keys text[], hashes bytea[], skip_locked boolean
) returns table ("position" integer, answer integer)
language plpgsql volatile as $$
declare
  held bigint[];
  old message;
  seq bigint;
begin
  held := mailbox_lock(account_ids, skip_locked);
  for place in 1 .. cardinality(account_ids) loop
    "position" := place;
    answer := null;
    if account_ids[place] = any (held) then
      answer := 0;
      old := message_standing(account_ids[place], message_ids[place]);
      if not old.incoming and old.status in (1, 4) then
        seq := mailbox_announce(account_ids[place], array[message_ids[place]], 2) + 1;
        update message set
          status = statuses[place], origin = origins[place], date_status = dates[place], change_seq = seq
        where account_id = account_ids[place] and message_id = message_ids[place];
        if statuses[place] = 5 then
          update conversation set messages_unsent = messages_unsent + 1
          where account_id = account_ids[place] and conversation_id = old.conversation_id;
        end if;
      end if;
    end if;
    return next;
  end loop;
end
$$;

-- Sends that are not done: to a number without an account, or at a later date; `due_at` in ms since 1970.
create table delivery_waiting (
  account_id bigint not null,
  message_id integer not null,
  due_at bigint not null,
  primary key (account_id, message_id)
);
