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
