-- ahead-of: 0021, 0029
-- What waits for a carrier that is away goes to another one of its route, so all workers know which carriers are.

-- When a worker had it open last, when it was last seen to have taken something, and until when it made workers wait.
alter table delivery_pace
  add column open_at bigint not null default 0,
  add column took_at bigint not null default 0,
  add column held_until bigint not null default 0;

-- Workers of the version before do not say it; none is away on their account.
update delivery_pace set open_at = delivery_now() + 3600000, took_at = delivery_now() + 3600000;

-- As before; until when is remembered.
create or replace function delivery_hold(of_carrier text, ms bigint) returns void
language sql volatile as $$
  update delivery_pace
  set free_at = greatest(free_at, delivery_now() + ms), held_until = greatest(held_until, delivery_now() + ms)
  where carrier = of_carrier
$$;

-- As before; what is released was not held.
create or replace function delivery_release(of_carrier text) returns void
language sql volatile as $$
  update delivery_pace set free_at = least(free_at, delivery_now()), held_until = 0 where carrier = of_carrier
$$;

-- Says which carriers a worker has open, and whether each took something lately.
create function delivery_seen(carriers text[], took boolean[]) returns void
language sql volatile as $$
  insert into delivery_pace (carrier, free_at, open_at, took_at)
  select seen.carrier, 0, delivery_now(), case when seen.took then delivery_now() else 0 end
  from unnest(carriers, took) as seen (carrier, took) order by seen.carrier
  on conflict (carrier) do update set
    open_at = excluded.open_at, took_at = greatest(delivery_pace.took_at, excluded.took_at)
$$;

-- Which of these carriers no worker had open for `silence` ms, or took nothing for so long and make workers wait, or did
-- until `rest` ms ago: what is tried then may take a while to fail.
create function delivery_away(carriers text[], silence bigint, rest bigint) returns setof text
language sql stable as $$
  select asked.carrier from unnest(carriers) as asked (carrier)
  left join delivery_pace as pace on pace.carrier = asked.carrier
  where pace.carrier is null or pace.open_at < delivery_now() - silence
    or pace.took_at < delivery_now() - silence and pace.held_until > delivery_now() - rest
$$;

-- Jobs in the line of a carrier, at most `share` of each of the accounts, without the first ones of each that are skipped.
create function delivery_standing(of_carrier text, accounts bigint[], skips integer[], share integer) returns table (
  account_id bigint, message_id integer, recipient text, sender text, tried text[]
)
language plpgsql stable
set plan_cache_mode to force_generic_plan
set enable_seqscan to off
as $$
begin
  return query
  select job.account_id, job.message_id, job.recipient, job.sender, job.tried
  from unnest(accounts, skips) with ordinality as turn (account_id, skip, nth)
  cross join lateral (
    select * from delivery_job
    where carrier = of_carrier and state = 'waiting' and in_line and delivery_job.account_id = turn.account_id
    order by delivery_job.due_at offset turn.skip limit share
  ) as job
  order by turn.nth;
end
$$;

-- Gives jobs that still wait for a carrier to others; returns how many did.
create function delivery_divert(
  account_ids bigint[], message_ids integer[], carriers text[], of_carrier text
) returns integer
language plpgsql volatile
set plan_cache_mode to force_generic_plan
set enable_seqscan to off
set enable_hashjoin to off
set enable_mergejoin to off
as $$
declare
  diverted integer;
begin
  with waiting as (
    select job.account_id, job.message_id, other.carrier
    from unnest(account_ids, message_ids, carriers) as other (account_id, message_id, carrier)
    join delivery_job as job on job.account_id = other.account_id and job.message_id = other.message_id
    where job.state = 'waiting' and job.carrier = of_carrier
    order by job.account_id, job.message_id for update of job skip locked
  ), changed as (
    update delivery_job set carrier = waiting.carrier from waiting
    where delivery_job.account_id = waiting.account_id and delivery_job.message_id = waiting.message_id
  )
  insert into delivery_timeline (account_id, message_id, at, state, reason)
  select account_id, message_id, delivery_now(), 'queued', of_carrier || ' is away' from waiting;
  get diagnostics diverted = row_count;
  return diverted;
end
$$;
