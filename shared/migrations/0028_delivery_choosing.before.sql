-- ahead-of: 0021
-- Ends jobs that wait for a carrier to be chosen; with `is_told` the mailbox knows. One that another worker has given to a
-- carrier meanwhile ends only where its recipient has it.
create or replace function delivery_end_waiting(
  account_ids bigint[], message_ids integer[], outcomes text[], reasons text[], is_told boolean
) returns void
language plpgsql volatile as $$
declare
  job delivery_job;
begin
  -- In one order, so that no two of these calls wait for each other.
  perform from delivery_job
  where (account_id, message_id) in (select * from unnest(account_ids, message_ids))
  order by account_id, message_id for update;
  for place in 1 .. cardinality(account_ids) loop
    select * into job from delivery_job
    where account_id = account_ids[place] and message_id = message_ids[place] and state = 'waiting'
      and (carrier = '' or is_told);
    if found then
      perform delivery_end(job, outcomes[place], reasons[place], delivery_now(), is_told);
    end if;
  end loop;
end
$$;

-- Gives jobs back for somebody else to choose their carrier; here they are due again after a tenth of the time for which
-- they have waited, from `least_ms` to `most_ms`.
create function delivery_leave(account_ids bigint[], message_ids integer[], least_ms bigint, most_ms bigint) returns void
language plpgsql volatile as $$
declare
  now_at constant bigint := delivery_now();
begin
  perform from delivery_job
  where (account_id, message_id) in (select * from unnest(account_ids, message_ids))
  order by account_id, message_id for update;
  update delivery_job set lease_until = now_at + least(most_ms, greatest(least_ms, (now_at - due_at) / 10))
  where (account_id, message_id) in (select * from unnest(account_ids, message_ids)) and state = 'waiting' and carrier = '';
end
$$;
