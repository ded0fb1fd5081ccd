-- ahead-of: 0021, 0029
-- What comes in time is found by an index, however much is still to come: messages whose receipts are awaited, or whose
-- date is not reached, may be millions.

-- The time in ms since 1970, also after a wait for a lock. A volatile one is asked again for each row, by no index; and one
-- in SQL that is not volatile is not inlined, which costs more than this.
create or replace function delivery_now() returns bigint
language plpgsql stable as $$
begin
  return (extract(epoch from clock_timestamp()) * 1000)::bigint;
end
$$;

-- As before, but without comparing each job with the text of each other one.
create or replace function delivery_claim(
  of_carrier text, most integer, octets bigint, rate double precision, lease bigint
) returns table (
  account_id bigint, message_id integer, claim integer, job_id bigint, sender text, recipient text, body text,
  encoding smallint, expires_at bigint, due_at bigint, attempts integer, resends integer, is_counted boolean, tried text[]
)
language plpgsql volatile
set plan_cache_mode to force_generic_plan
set enable_seqscan to off
set enable_hashjoin to off
set enable_mergejoin to off
as $$
#variable_conflict use_column
declare
  now_at constant bigint := delivery_now();
  each_takes constant double precision := 1000 / rate;
  free double precision;
  turn bigint;
  room integer;
  turns bigint[];
  jobs delivery_job[];
  taken integer;
begin
  select free_at, last_account into free, turn from delivery_pace where carrier = of_carrier for update skip locked;
  if not found then
    insert into delivery_pace (carrier, free_at) values (of_carrier, 0) on conflict (carrier) do nothing;
    return;
  end if;
  -- What was not used lately may be caught up, but never more than this.
  free := greatest(free, now_at - greatest(300, each_takes));
  room := greatest(0, least(most, floor((now_at - free) / each_takes + 0.001)));
  turns := delivery_turns(of_carrier, turn, room, false);
  if cardinality(turns) = 0 then
    return;
  end if;
  jobs := array(select line from delivery_line(of_carrier, turns, room, false) as line);
  return query
  with text as (
    select each.account_id, each.message_id, each.body,
      sum(octet_length(each.body)) over (order by each.place) - octet_length(each.body) as before
    from delivery_texts(jobs) as each where each.is_there
  ), claimed as (
    update delivery_job set state = 'submitting', lease_until = now_at + lease, claim = delivery_job.claim + 1
    from text
    where delivery_job.account_id = text.account_id and delivery_job.message_id = text.message_id
      and text.before <= octets and delivery_job.expires_at > now_at
    returning delivery_job.account_id, delivery_job.message_id, delivery_job.claim, delivery_job.job_id,
      delivery_job.sender, delivery_job.recipient, text.body, delivery_job.encoding, delivery_job.expires_at,
      delivery_job.due_at, delivery_job.attempts, delivery_job.resends, delivery_job.is_counted, delivery_job.tried
  ), noted as (
    insert into delivery_timeline (account_id, message_id, at, state, reason)
    select claimed.account_id, claimed.message_id, now_at, 'submitting', of_carrier from claimed
  )
  select * from claimed;
  get diagnostics taken = row_count;
  if taken < cardinality(jobs) then
    perform delivery_end_gone(jobs);
  end if;
  -- Where nobody's job is free, others have their turn.
  update delivery_pace set
    free_at = case when taken > 0 then free + taken * each_takes else free_at end,
    last_account = coalesce((jobs[cardinality(jobs)]).account_id, turns[cardinality(turns)])
  where carrier = of_carrier;
end
$$;
