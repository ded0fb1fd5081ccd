-- ahead-of: 0021, 0029
-- What comes in time is found by an index, however much is still to come: messages whose receipts are awaited, or whose
-- date is not reached, may be millions. What is claimed is sent, what is counted for a cap is so once, and what no carrier
-- takes ends in its time.

-- The time in ms since 1970, also after a wait for a lock. A volatile one is asked again for each row, by no index; and one
-- in SQL that is not volatile is not inlined, which costs more than this.
create or replace function delivery_now() returns bigint
language plpgsql stable as $$
begin
  return (extract(epoch from clock_timestamp()) * 1000)::bigint;
end
$$;

-- Ends those of the jobs, whose rows the caller has locked, that still wait though their message is gone, or it was too
-- late for a carrier at that time.
create function delivery_end_gone(jobs delivery_job[], at_time bigint) returns void
language plpgsql volatile as $$
declare
  gone record;
begin
  for gone in
    select job, text.is_there from delivery_texts(jobs) as text
    join delivery_job as job on job.account_id = text.account_id and job.message_id = text.message_id
    where job.state = 'waiting' and (not text.is_there or job.expires_at between 1 and at_time)
  loop
    if gone.is_there then
      perform delivery_end(gone.job, 'expired', 'not sent in its time', delivery_now(), false);
    else
      perform delivery_end(gone.job, 'cancelled', 'the message is gone', delivery_now(), true);
    end if;
  end loop;
end
$$;

-- As before, but without comparing each job with the text of each other one, by one time throughout, and as the claim that
-- the caller names: one whose answer it did not get it can take back.
create function delivery_claim(
  of_carrier text, most integer, octets bigint, rate double precision, lease bigint, as_claim integer
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
    update delivery_job set state = 'submitting', lease_until = now_at + lease, claim = as_claim
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
    perform delivery_end_gone(jobs, now_at);
  end if;
  -- Where nobody's job is free, others have their turn.
  update delivery_pace set
    free_at = case when taken > 0 then free + taken * each_takes else free_at end,
    last_account = coalesce((jobs[cardinality(jobs)]).account_id, turns[cardinality(turns)])
  where carrier = of_carrier;
end
$$;

-- Takes back a claim of a carrier of which its worker did not hear, so that it submitted nothing.
create function delivery_unclaim(of_carrier text, of_claim integer) returns void
language plpgsql volatile
set plan_cache_mode to force_generic_plan
set enable_seqscan to off
as $$
begin
  -- Whoever is still about to claim has it.
  perform from delivery_pace where carrier = of_carrier for update;
  with unheard as (
    select account_id, message_id from delivery_job
    where state = 'submitting' and carrier = of_carrier and claim = of_claim
    order by account_id, message_id for update
  ), back as (
    update delivery_job set state = 'waiting', lease_until = 0 from unheard
    where delivery_job.account_id = unheard.account_id and delivery_job.message_id = unheard.message_id
  )
  insert into delivery_timeline (account_id, message_id, at, state, reason)
  select account_id, message_id, delivery_now(), 'queued', 'not submitted: its worker did not hear of it' from unheard;
end
$$;

-- Ends those of a carrier's jobs in line, of `most` at most, whose message is gone or which are too late, where nobody
-- claims any. Accounts have turns at it.
create function delivery_expire(of_carrier text, most integer) returns void
language plpgsql volatile
set plan_cache_mode to force_generic_plan
set enable_seqscan to off
set enable_hashjoin to off
set enable_mergejoin to off
as $$
declare
  turn bigint;
  turns bigint[];
begin
  insert into delivery_pace (carrier, free_at) values (of_carrier, 0) on conflict (carrier) do nothing;
  select last_account into turn from delivery_pace where carrier = of_carrier for update skip locked;
  if not found then
    return;
  end if;
  turns := delivery_turns(of_carrier, turn, most, false);
  if cardinality(turns) > 0 then
    perform delivery_end_gone(
      array(select line from delivery_line(of_carrier, turns, most, false) as line), delivery_now()
    );
    update delivery_pace set last_account = turns[cardinality(turns)] where carrier = of_carrier;
  end if;
end
$$;

-- As before, but a message that is counted is known to be so from the same moment on, whoever dies after it.
create function delivery_refusals(
  today integer, account_ids bigint[], message_ids integer[], senders text[], recipients text[], parts integer[],
  counted boolean[], cap_prefixes text[], cap_parts bigint[]
) returns table ("position" integer, reason text)
language plpgsql volatile as $$
declare
  reasons constant text[] := array(
    select refusal.reason from delivery_refusals(
      today, account_ids, senders, recipients, parts, counted, cap_prefixes, cap_parts
    ) as refusal order by refusal."position"
  );
begin
  if cardinality(cap_prefixes) > 0 then
    perform from delivery_job
    where (account_id, message_id) in (select * from unnest(account_ids, message_ids))
    order by account_id, message_id for update;
    update delivery_job set is_counted = true
    from unnest(account_ids, message_ids, counted, reasons) as asked (account_id, message_id, was_counted, reason)
    where delivery_job.account_id = asked.account_id and delivery_job.message_id = asked.message_id
      and asked.reason is null and not asked.was_counted;
  end if;
  return query select each.ordinality::integer, each.reason from unnest(reasons) with ordinality as each (reason, ordinality);
end
$$;

-- Keeps what became of submissions, if `claims` still hold them: the job is then `accepted` until `waits` ms after it
-- expires, `waiting` for `waits` ms and a carrier, or `ending`. `part_ids` are JSON arrays of what the carrier calls the
-- parts; what was counted for its caps stays so. Returns which were not held any more.
create or replace function delivery_conclude(
  account_ids bigint[], message_ids integer[], claims integer[], outcomes text[], reasons text[], new_states text[],
  waits bigint[], new_carriers text[], new_trieds json[], new_attempts integer[], new_resends integer[],
  part_ids json[], counted boolean[]
) returns table (account_id bigint, message_id integer)
language plpgsql volatile
set plan_cache_mode to force_generic_plan
set enable_seqscan to off
set enable_hashjoin to off
set enable_mergejoin to off
as $$
#variable_conflict use_column
declare
  now_at bigint;
  times integer;
begin
  perform from delivery_job
  where (account_id, message_id) in (select * from unnest(account_ids, message_ids))
  order by account_id, message_id for update;
  now_at := delivery_now();
  -- Two may be of one job: what was said in its time, and later what was said too late.
  select coalesce(max(sent.times), 0) into times from (
    select count(*) as times from unnest(account_ids, message_ids) as sent (account_id, message_id)
    group by sent.account_id, sent.message_id
  ) as sent;
  for nth in 1 .. times loop
    return query
    with sent as (
      select * from (
        select *, row_number() over (partition by each.account_id, each.message_id order by each.ordinality) as time
        from unnest(
          account_ids, message_ids, claims, outcomes, reasons, new_states, waits, new_carriers, new_trieds,
          new_attempts, new_resends, part_ids, counted
        ) with ordinality as each (
          account_id, message_id, claim, outcome, reason, state, wait, carrier, tried, attempts, resends, parts, counted
        )
      ) as numbered where numbered.time = nth
    ), answered as (
      select sent.account_id, sent.message_id, sent.outcome, sent.reason, sent.wait, sent.carrier, sent.tried,
        sent.attempts, sent.resends, sent.parts, sent.counted, sent.ordinality,
        -- What nobody knows a receipt may have said before.
        case when sent.state = 'ending' and delivery_is_heard_of(sent.carrier, sent.parts) then 'accepted'
          else sent.state end as state,
        -- One that was given up may still be accepted, as long as nobody sends it again.
        job.claim = sent.claim
          and (job.state = 'submitting' or job.state = 'waiting' and sent.state = 'accepted') as is_held
      from sent join delivery_job as job using (account_id, message_id)
    ), held as (
      select * from answered where answered.is_held
    ), changed as (
      update delivery_job set
        state = case when held.state = 'ending' and hidden then 'done' else held.state end,
        status = case
          when held.state = 'ending' and not hidden then case held.outcome when 'accepted' then 2 else failed_status end
        end,
        body = case when held.state <> 'ending' then body end,
        ended_at = case when held.state = 'ending' then greatest(stored_at, now_at) end,
        due_at = held.wait + case held.state when 'accepted' then expires_at else now_at end,
        in_line = held.wait = 0, lease_until = 0, carrier = held.carrier, is_counted = is_counted or held.counted,
        tried = array(select json_array_elements_text(held.tried)), attempts = held.attempts, resends = held.resends
      from held
      where delivery_job.account_id = held.account_id and delivery_job.message_id = held.message_id
    ), noted as (
      insert into delivery_timeline (account_id, message_id, at, state, reason)
      select held.account_id, held.message_id, now_at, said.state, held.reason from held
      cross join lateral (values
        (1, case when held.state <> 'ending' or held.outcome <> 'failed' then held.outcome end),
        (2, case when held.state = 'ending' then case held.outcome when 'accepted' then 'delivered' else 'failed' end end)
      ) as said (nth, state)
      where said.state is not null
      order by held.ordinality, said.nth
    ), parted as (
      insert into delivery_part (account_id, message_id, carrier, carrier_id)
      select held.account_id, held.message_id, held.carrier, part.id
      from held cross join lateral json_array_elements_text(held.parts) as part (id)
      on conflict (account_id, message_id, carrier, carrier_id) do nothing
    )
    select answered.account_id, answered.message_id from answered where not answered.is_held;
  end loop;
  -- Not before all parts are there: a message is delivered when all are.
  perform delivery_unpark(kept.account_id, kept.message_id, kept.carrier, kept.carrier_id) from (
    select distinct kept.account_id, kept.message_id, kept.carrier, kept.carrier_id
    from unnest(account_ids, message_ids, new_carriers, part_ids) as sent (account_id, message_id, carrier, parts)
    cross join lateral json_array_elements_text(sent.parts) as part (id)
    join delivery_part as kept on kept.account_id = sent.account_id and kept.message_id = sent.message_id
      and kept.carrier = sent.carrier and kept.carrier_id = part.id
    join delivery_parked as parked on parked.carrier = kept.carrier and parked.carrier_id = kept.carrier_id
    -- It may have been erased meanwhile, and its parts be about to.
    join delivery_job as job on job.account_id = kept.account_id and job.message_id = kept.message_id
  ) as kept;
end
$$;
