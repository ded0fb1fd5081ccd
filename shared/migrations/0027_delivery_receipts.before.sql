-- ahead-of: 0021
-- Receipts that come together are kept together, in few statements.

-- Keeps receipts; those that belong to no part yet are parked. Returns how many were of messages that are known to be
-- accepted. A job of which only one came, as is usual, goes together with others like it.
create or replace function delivery_receipts(
  carriers text[], carrier_ids text[], numbers text[], states text[], reasons text[], dates bigint[]
) returns integer
language plpgsql volatile
set plan_cache_mode to force_generic_plan
set enable_seqscan to off
set enable_hashjoin to off
set enable_mergejoin to off
as $$
declare
  now_at bigint;
  accounts bigint[];
  messages integer[];
  times bigint[];
  job delivery_job;
  came record;
  matched integer;
begin
  select array_agg(found.account_id order by found.place), array_agg(found.message_id order by found.place),
    array_agg(found.times order by found.place)
  into accounts, messages, times from (
    select sent.place, named.account_id, named.message_id,
      count(*) over (partition by named.account_id, named.message_id) as times
    from unnest(carriers, carrier_ids, numbers) with ordinality as sent (carrier, carrier_id, number, place)
    left join lateral delivery_part_of(sent.carrier, sent.carrier_id, sent.number) as named on true
  ) as found;
  -- In one order, so that no two of these calls wait for each other.
  perform from delivery_job
  where (account_id, message_id) in (select * from unnest(accounts, messages))
  order by account_id, message_id for update;
  now_at := delivery_now();

  with parked as (
    insert into delivery_parked (carrier, carrier_id, number, state, reason, at, parked_at)
    select sent.carrier, sent.carrier_id, sent.number, sent.state, sent.reason, sent.at, now_at
    from unnest(accounts, messages, carriers, carrier_ids, numbers, states, reasons, dates)
      as sent (account_id, message_id, carrier, carrier_id, number, state, reason, at)
    -- It may have been erased meanwhile.
    where not exists (
      select from delivery_job as kept where kept.account_id = sent.account_id and kept.message_id = sent.message_id
    )
    order by sent.carrier, sent.carrier_id, sent.number, sent.state
    on conflict (carrier, carrier_id, number, state) do nothing
  )
  select count(*) into matched from unnest(accounts, messages) as sent (account_id, message_id)
  join delivery_job as kept using (account_id, message_id);

  -- As `delivery_receive` and `delivery_end` have it.
  with sent as (
    select * from unnest(accounts, messages, times, carriers, carrier_ids, states, reasons, dates)
      as sent (account_id, message_id, times, carrier, carrier_id, state, reason, at)
    where sent.times = 1 and sent.state <> 'intermediate'
  ), parted as (
    update delivery_part set state = sent.state from sent
    where delivery_part.account_id = sent.account_id and delivery_part.message_id = sent.message_id
      and delivery_part.carrier = sent.carrier and delivery_part.carrier_id = sent.carrier_id
      and delivery_part.state = 'accepted'
    returning sent.*
  ), ended as (
    update delivery_job set
      state = case when delivery_job.hidden then 'done' else 'ending' end,
      status = case when not delivery_job.hidden then case parted.state when 'delivered' then 2 else failed_status end end,
      body = null, due_at = now_at, lease_until = 0, ended_at = greatest(stored_at, least(parted.at, now_at))
    from parted
    where delivery_job.account_id = parted.account_id and delivery_job.message_id = parted.message_id
      and delivery_job.state not in ('ending', 'done')
      and case when parted.state <> 'delivered' then delivery_job.carrier = parted.carrier else not exists (
        select from delivery_part as other
        where other.account_id = parted.account_id and other.message_id = parted.message_id
          and other.carrier = parted.carrier and other.carrier_id <> parted.carrier_id and other.state <> 'delivered'
      ) end
    returning parted.account_id, parted.message_id, parted.state, parted.reason
  )
  insert into delivery_timeline (account_id, message_id, at, state, reason)
  select ended.account_id, ended.message_id, now_at, ended.state, ended.reason from ended;

  for came in
    select * from unnest(accounts, messages, times, carriers, carrier_ids, states, reasons, dates)
      with ordinality as sent (account_id, message_id, times, carrier, carrier_id, state, reason, at, place)
    where sent.times > 1 order by sent.place
  loop
    select * into job from delivery_job where account_id = came.account_id and message_id = came.message_id;
    if found then
      perform delivery_receive(job, came.carrier, came.carrier_id, came.state, came.reason, came.at);
    end if;
  end loop;
  return matched;
end
$$;
