-- ahead-of: 0021, 0029
-- What waits for a carrier that is away goes to another one of its route, so all workers know which carriers are.

-- When a worker had it open last, when it took something for the last time, and when it last made workers wait.
alter table delivery_pace
  add column open_at bigint not null default 0,
  add column took_at bigint not null default 0,
  add column held_at bigint not null default 0;

-- As before; when is remembered.
create or replace function delivery_hold(of_carrier text, ms bigint) returns void
language sql volatile as $$
  update delivery_pace set free_at = greatest(free_at, delivery_now() + ms), held_at = delivery_now()
  where carrier = of_carrier
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

-- Which of these carriers no worker has open, or make workers wait and have taken nothing since; for `silence` ms.
create function delivery_away(carriers text[], silence bigint) returns setof text
language sql stable as $$
  select asked.carrier from unnest(carriers) as asked (carrier)
  left join delivery_pace as pace on pace.carrier = asked.carrier
  where pace.carrier is null or pace.open_at < delivery_now() - silence
    or pace.held_at > pace.took_at and pace.took_at < delivery_now() - silence
$$;

-- The jobs in the line of a carrier, those after this account and date first, at most `most`.
create function delivery_standing(of_carrier text, last_account bigint, last_due bigint, most integer) returns table (
  account_id bigint, message_id integer, recipient text, sender text, due_at bigint
)
language plpgsql stable
set plan_cache_mode to force_generic_plan
set enable_seqscan to off
as $$
#variable_conflict use_column
begin
  return query
  select account_id, message_id, recipient, sender, due_at from delivery_job
  where carrier = of_carrier and state = 'waiting' and in_line and (account_id, due_at) > (last_account, last_due)
  order by account_id, due_at limit most;
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
