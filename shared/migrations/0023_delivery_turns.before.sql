-- ahead-of: 0021
-- Accounts take turns at carriers, and jobs cost less: what is due stands in a line of its own, jobs are claimed, routed and
-- concluded together, and no column of an index changes without need.

-- Whether a job that waits has come to its time: then it stands in the line of its carrier, where all are due. One that is
-- set to true too early waits in the line.
alter table delivery_job add column in_line boolean not null default true;

drop index delivery_job_due;
create index delivery_job_line on delivery_job (carrier, account_id, due_at) where state = 'waiting' and in_line;
create index delivery_job_scheduled on delivery_job (due_at) where state = 'waiting' and not in_line;
-- Few at a time, so that nobody needs them in an order.
drop index delivery_job_leased;
create index delivery_job_submitting on delivery_job (job_id) where state = 'submitting';

-- Each row of these looked for its job, and wrote to it, once more. Whoever deletes a job deletes these after it.
alter table delivery_timeline drop constraint delivery_timeline_account_id_message_id_fkey;
alter table delivery_part drop constraint delivery_part_account_id_message_id_fkey;
-- Nor is an account looked for and locked: whoever keeps a job has seen to it that its account is not erased.
alter table delivery_job drop constraint delivery_job_account_id_fkey;

-- The account that had its turn last at a carrier.
alter table delivery_pace add column last_account bigint not null default 0;

-- Whose jobs stand in the line of a carrier, at most `most` accounts, in the order of their turns: those after
-- `last_account` first. It goes from one account to the next, however many jobs each has. With `only_twins` those that no
-- account can get give nobody a turn.
create function delivery_turns(of_carrier text, last_account bigint, most integer, only_twins boolean) returns bigint[]
language plpgsql volatile
set plan_cache_mode to force_generic_plan
set enable_seqscan to off
as $$
declare
  turns bigint[] := '{}';
  place bigint := last_account;
  next bigint;
  is_second_way boolean := false;
begin
  while cardinality(turns) < most loop
    select account_id into next from delivery_job
    where carrier = of_carrier and state = 'waiting' and in_line and account_id > place
      and (may_be_twin or not only_twins)
    order by account_id limit 1;
    if next is null or is_second_way and next > last_account then
      exit when is_second_way;
      is_second_way := true;
      place := 0;
    else
      turns := turns || next;
      place := next;
    end if;
  end loop;
  return turns;
end
$$;

-- Locks jobs in the line of a carrier, as many of each account as makes `most` of all; each account's first ones first.
create function delivery_line(
  of_carrier text, accounts bigint[], most integer, only_twins boolean
) returns setof delivery_job
language plpgsql volatile
set plan_cache_mode to force_generic_plan
set enable_seqscan to off
as $$
declare
  now_at constant bigint := delivery_now();
  share constant integer := ceil(most::double precision / greatest(1, cardinality(accounts)));
begin
  return query
  select job.* from unnest(accounts) as turn (account_id)
  cross join lateral (
    select * from delivery_job
    where carrier = of_carrier and state = 'waiting' and in_line and account_id = turn.account_id
      and due_at <= now_at and lease_until <= now_at and (may_be_twin or not only_twins)
    order by due_at limit share for update skip locked
  ) as job
  limit most;
end
$$;

-- Puts jobs in line whose time has come.
create function delivery_line_up(most integer) returns void
language plpgsql volatile
set plan_cache_mode to force_generic_plan
set enable_seqscan to off
set enable_hashjoin to off
set enable_mergejoin to off
as $$
begin
  update delivery_job set in_line = true
  where (account_id, message_id) in (
    select account_id, message_id from delivery_job
    where state = 'waiting' and not in_line and due_at <= delivery_now()
    order by due_at limit most for update skip locked
  );
end
$$;

-- The jobs with the texts of their messages: that of the message, or of the job where that holds it.
create function delivery_texts(jobs delivery_job[]) returns table (
  place bigint, account_id bigint, message_id integer, body text, is_there boolean, is_scheduled boolean
)
language sql stable
as $$
  select job.ordinality, job.account_id, job.message_id, case when job.hidden then job.body else kept.body end,
    -- Whatever its status: a device may say another one, and has not deleted it.
    job.hidden or not coalesce(kept.incoming, true), not job.hidden and coalesce(kept.status = 4, false)
  from unnest(jobs) with ordinality as job
  left join lateral (
    select message.* from message
    join conversation using (account_id, conversation_id)
    where message.account_id = job.account_id and message.message_id = job.message_id
      and not message.deleted and not conversation.closed
  ) as kept on not job.hidden
$$;

-- Ends those of the jobs, whose rows the caller has locked, whose message is gone, or which are too late for a carrier.
create function delivery_end_gone(jobs delivery_job[]) returns void
language plpgsql volatile as $$
declare
  gone record;
begin
  for gone in
    select job, text.is_there from unnest(jobs) as job
    join delivery_texts(jobs) as text using (account_id, message_id)
    where not text.is_there or job.expires_at between 1 and delivery_now()
  loop
    if gone.is_there then
      perform delivery_end(gone.job, 'expired', 'not sent in its time', delivery_now(), false);
    else
      perform delivery_end(gone.job, 'cancelled', 'the message is gone', delivery_now(), true);
    end if;
  end loop;
end
$$;

-- Takes due jobs for which nobody has chosen a carrier, for `lease` ms, and not many more than `octets` of text; those
-- whose message is gone end here. With `only_twins` those that no account can get are left alone. The accounts after
-- `last_account` have their turn first.
create function delivery_due(most integer, octets bigint, lease bigint, only_twins boolean, last_account bigint)
returns table (
  account_id bigint, message_id integer, job_id bigint, recipient text, sender text, body text, encoding smallint,
  may_be_twin boolean, is_scheduled boolean, stored_at bigint, due_at bigint
)
language plpgsql volatile
set plan_cache_mode to force_generic_plan
set enable_seqscan to off
set enable_hashjoin to off
set enable_mergejoin to off
as $$
#variable_conflict use_column
declare
  now_at bigint;
  jobs delivery_job[];
  job delivery_job;
  taken integer;
begin
  perform delivery_line_up(10 * most);
  jobs := array(
    select line from delivery_line('', delivery_turns('', last_account, most, only_twins), most, only_twins) as line
  );
  now_at := delivery_now();
  return query
  with taken as (
    select text.* from (
      select each.*, sum(octet_length(each.body)) over (order by each.place) - octet_length(each.body) as before
      from delivery_texts(jobs) as each where each.is_there
    ) as text where text.before <= octets
  )
  update delivery_job set lease_until = now_at + lease
  from taken
  where delivery_job.account_id = taken.account_id and delivery_job.message_id = taken.message_id
  returning delivery_job.account_id, delivery_job.message_id, delivery_job.job_id, delivery_job.recipient,
    delivery_job.sender, taken.body, delivery_job.encoding, delivery_job.may_be_twin, taken.is_scheduled,
    delivery_job.stored_at, delivery_job.due_at;
  get diagnostics taken = row_count;
  if taken < cardinality(jobs) then
    perform delivery_end_gone(jobs);
  end if;
end
$$;

-- For workers of the version before.
create or replace function delivery_due(most integer, octets bigint, lease bigint, only_twins boolean) returns table (
  account_id bigint, message_id integer, job_id bigint, recipient text, sender text, body text, encoding smallint,
  may_be_twin boolean, is_scheduled boolean, stored_at bigint, due_at bigint
)
language sql volatile as $$
  select * from delivery_due(most, octets, lease, only_twins, 0)
$$;

-- Takes due jobs of a carrier, for `lease` ms and at its rate, which all workers share, and not many more than `octets`
-- of text; from then on they may have been sent. Those whose message is gone, or whose time is over, end here.
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
    select job.*, each.body as text,
      sum(octet_length(each.body)) over (order by job.ordinality) - octet_length(each.body) as before
    from unnest(jobs) with ordinality as job
    join delivery_texts(jobs) as each on each.place = job.ordinality
    where each.is_there and job.expires_at > now_at
  ), claimed as (
    update delivery_job set state = 'submitting', lease_until = now_at + lease, claim = delivery_job.claim + 1
    from text
    where delivery_job.account_id = text.account_id and delivery_job.message_id = text.message_id and text.before <= octets
    returning delivery_job.account_id, delivery_job.message_id, delivery_job.claim, delivery_job.job_id,
      delivery_job.sender, delivery_job.recipient, text.text, delivery_job.encoding, delivery_job.expires_at,
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

-- Gives jobs to carriers, each with its sender's number; none is sent later than `validity` ms after its first date.
create or replace function delivery_route(
  account_ids bigint[], message_ids integer[], carriers text[], senders text[], validity bigint
) returns void
language plpgsql volatile
set enable_seqscan to off
set enable_hashjoin to off
set enable_mergejoin to off
as $$
begin
  -- An update alone locks in an order that nobody knows.
  perform from delivery_job
  where (account_id, message_id) in (select * from unnest(account_ids, message_ids))
  order by account_id, message_id for update;
  update delivery_job set
    carrier = sent.carrier, sender = sent.sender, lease_until = 0,
    expires_at = case when expires_at > 0 then expires_at else due_at + validity end
  from unnest(account_ids, message_ids, carriers, senders) as sent (account_id, message_id, carrier, sender)
  where delivery_job.account_id = sent.account_id and delivery_job.message_id = sent.message_id
    and state = 'waiting' and delivery_job.carrier = '';
end
$$;

-- Takes jobs in line from carriers that are none any more, for another one to be chosen; at most `most` of each. Those
-- whose time is still to come follow when it has. Returns how many.
create or replace function delivery_reroute(known text[], most integer) returns integer
language plpgsql volatile
set plan_cache_mode to force_generic_plan
set enable_seqscan to off
as $$
declare
  rerouted integer;
begin
  with recursive named as (
    (select carrier from delivery_job where state = 'waiting' and in_line and carrier > '' order by carrier limit 1)
    union all
    select (
      select carrier from delivery_job
      where state = 'waiting' and in_line and carrier > named.carrier order by carrier limit 1
    )
    from named where named.carrier is not null
  )
  update delivery_job set carrier = '', tried = '{}'
  where (account_id, message_id) in (
    select job.account_id, job.message_id from named
    cross join lateral (
      select account_id, message_id from delivery_job
      where carrier = named.carrier and state = 'waiting' and in_line limit most for update skip locked
    ) as job
    where named.carrier <> all (known)
  );
  get diagnostics rerouted = row_count;
  return rerouted;
end
$$;

-- How many jobs are due and wait for a carrier, or for one to be chosen; counted up to `most` for each.
create or replace function delivery_backlog(most integer) returns table (carrier text, jobs integer)
language plpgsql stable
set plan_cache_mode to force_generic_plan
set enable_seqscan to off
as $$
#variable_conflict use_column
begin
  return query
  with recursive named as (
    (select carrier from delivery_job where state = 'waiting' and in_line order by carrier limit 1)
    union all
    select (
      select carrier from delivery_job
      where state = 'waiting' and in_line and carrier > named.carrier order by carrier limit 1
    )
    from named where named.carrier is not null
  )
  select named.carrier, (
    select count(*)::integer from (
      select from delivery_job
      where carrier = named.carrier and state = 'waiting' and in_line and due_at <= delivery_now() limit most
    ) as due
  )
  from named where named.carrier is not null;
end
$$;

-- Applies what a receipt says to a job whose row the caller has locked. No final state is ever left. A message is
-- delivered when all parts that one carrier has of it are, and failed when one is that its carrier of now has.
create or replace function delivery_receive(
  job delivery_job, of_carrier text, of_carrier_id text, new_state text, new_reason text, happened_at bigint
) returns void
language plpgsql volatile as $$
begin
  if new_state = 'intermediate' then
    return;
  end if;
  update delivery_part set state = new_state
  where account_id = job.account_id and message_id = job.message_id and carrier = of_carrier
    and carrier_id = of_carrier_id and state = 'accepted';
  if not found or job.state in ('ending', 'done') then
    return;
  end if;
  if new_state <> 'delivered' then
    if job.carrier = of_carrier then
      perform delivery_end(job, new_state, new_reason, happened_at, false);
    end if;
  elsif not exists (
    select from delivery_part
    where account_id = job.account_id and message_id = job.message_id and carrier = of_carrier and state <> 'delivered'
  ) then
    perform delivery_end(job, 'delivered', new_reason, happened_at, false);
  end if;
end
$$;

-- Whether a receipt waits for a part that a carrier calls so.
create function delivery_is_heard_of(of_carrier text, parts json) returns boolean
language sql stable as $$
  select exists (
    select from json_array_elements_text(parts) as part (id)
    join delivery_parked as parked on parked.carrier = of_carrier and parked.carrier_id = part.id
    where parked.state <> 'intermediate'
  )
$$;

-- Keeps what became of submissions, if `claims` still hold them: the job is then `accepted` until `waits` ms after it
-- expires, `waiting` for `waits` ms and a carrier, or `ending`. `part_ids` are JSON arrays of what the carrier calls the
-- parts. Returns which were not held any more.
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
        in_line = held.wait = 0, lease_until = 0, carrier = held.carrier, is_counted = held.counted,
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

-- Deletes what is old: jobs that ended before `ended_before` with all that belongs to them, receipts that nothing matched
-- and messages to nobody from before `unmatched_before`; at most `most` of each. Returns how many.
create or replace function delivery_sweep(ended_before bigint, unmatched_before bigint, most integer)
returns table (jobs integer, receipts integer, strangers integer)
language plpgsql volatile
set enable_seqscan to off
as $$
declare
  swept record;
begin
  jobs := 0;
  for swept in
    delete from delivery_job where (account_id, message_id) in (
      select account_id, message_id from delivery_job where state = 'done' and ended_at < ended_before
      order by ended_at limit most for update skip locked
    ) returning account_id, message_id
  loop
    jobs := jobs + 1;
    delete from delivery_timeline where account_id = swept.account_id and message_id = swept.message_id;
    delete from delivery_part where account_id = swept.account_id and message_id = swept.message_id;
  end loop;
  delete from delivery_parked where (carrier, carrier_id, number, state) in (
    select carrier, carrier_id, number, state from delivery_parked where parked_at < unmatched_before
    order by parked_at limit most for update skip locked
  );
  get diagnostics receipts = row_count;
  delete from delivery_stranger where (carrier, inbound_id) in (
    select carrier, inbound_id from delivery_stranger where kept_at < ended_before
    order by kept_at limit most for update skip locked
  );
  get diagnostics strangers = row_count;
  return next;
end
$$;

-- Keeps jobs of messages that are stored; one that is kept already stays as it is. `dues` are null for now. Nothing of an
-- erased account is kept: the locks are those of `mailbox_create`, as in `search_write`.
create or replace function delivery_keep(
  account_ids bigint[], message_ids integer[], recipients text[], stored_ats bigint[], dues bigint[]
) returns void
language plpgsql volatile as $$
declare
  now_at constant bigint := delivery_now();
begin
  perform pg_advisory_xact_lock_shared(13, hashint8(sender.account_id))
  from (select distinct account_id from unnest(account_ids) as sent (account_id) order by account_id) as sender;
  with kept as (
    insert into delivery_job (
      account_id, message_id, recipient, stored_at, due_at, in_line, may_be_twin, failed_status
    )
    select sent.account_id, sent.message_id, sent.recipient, sent.stored_at, coalesce(sent.due_at, now_at),
      coalesce(sent.due_at <= now_at, true), true, 3
    from unnest(account_ids, message_ids, recipients, stored_ats, dues)
      as sent (account_id, message_id, recipient, stored_at, due_at)
    where not exists (select from erased_account where erased_account.account_id = sent.account_id)
    order by sent.account_id, sent.message_id
    on conflict (account_id, message_id) do nothing
    returning account_id, message_id
  )
  insert into delivery_timeline (account_id, message_id, at, state, reason)
  select kept.account_id, kept.message_id, now_at, 'queued', '' from kept;
end
$$;

-- Stores texts for carriers, one for each recipient of an entry; `dues` are null for now. `carriers` have a JSON array for
-- each entry, of its recipients' carriers, '' or nothing where one has still to be chosen; those are not sent later than
-- `validities` ms after their date. Answers the id of the first of an entry, which the others follow. One that is not
-- stored has its id and its job only.
create function sms_send(
  account_ids bigint[], recipients json[], bodies text[], dates bigint[], dues bigint[], encodings smallint[],
  origins integer[], stores boolean[], senders text[], carriers json[], validities bigint[],
  of_operation text, keys text[], hashes bytea[], skip_locked boolean
) returns table ("position" integer, answer integer)
language plpgsql volatile
set plan_cache_mode to force_generic_plan
as $$
#variable_conflict use_variable
declare
  held constant bigint[] := mailbox_lock(account_ids, skip_locked);
  now_at constant bigint := delivery_now();
  answers integer[] := array_fill(null::integer, array[cardinality(account_ids)]);
  firsts integer[] := answers;
  -- Of each text, those first that are stored.
  places integer[];
  nths integer[];
  ids integer[];
  -- Of each that is stored.
  accounts bigint[];
  addresses text[];
  texts text[];
  sent_ats bigint[];
  sent_origins integer[];
  statuses smallint[];
  sent_dues bigint[];
  id integer;
begin
  for place in 1 .. cardinality(account_ids) loop
    if account_ids[place] = any (held) then
      answers[place] := done_recall(account_ids[place], of_operation, keys[place], hashes[place]);
    end if;
  end loop;

  select array_agg(sent.place), array_agg(sent.nth),
    array_agg(account_ids[sent.place]) filter (where sent.stored),
    array_agg('+' || (recipients[sent.place] ->> sent.nth)) filter (where sent.stored),
    array_agg(bodies[sent.place]) filter (where sent.stored),
    array_agg(dates[sent.place]) filter (where sent.stored),
    array_agg(origins[sent.place]) filter (where sent.stored),
    array_agg(case when dues[sent.place] is null then 1 else 4 end::smallint) filter (where sent.stored),
    array_agg(dues[sent.place]) filter (where sent.stored)
  into places, nths, accounts, addresses, texts, sent_ats, sent_origins, statuses, sent_dues
  from (
    select entry.place::integer, text.nth, entry.stored
    from unnest(account_ids, stores) with ordinality as entry (account_id, stored, place)
    cross join lateral generate_series(0, json_array_length(recipients[entry.place]) - 1) as text (nth)
    where entry.account_id = any (held) and answers[entry.place] is null
    order by entry.stored desc, entry.place, text.nth
  ) as sent;
  if accounts is not null then
    select array_agg(stored.answer order by stored."position") into ids from message_insert(
      accounts, addresses, texts, sent_ats, array_fill(true, array[cardinality(accounts)]),
      array_fill(false, array[cardinality(accounts)]), sent_origins, statuses,
      array_fill(false, array[cardinality(accounts)]), sent_dues, '{}', '{}', of_operation, '{}', '{}', false
    ) as stored;
  end if;
  for nth in coalesce(cardinality(ids), 0) + 1 .. coalesce(cardinality(places), 0) loop
    update mailbox set last_message_id = last_message_id + 1 where account_id = account_ids[places[nth]]
    returning last_message_id into strict id;
    ids := ids || id;
  end loop;

  with sent as (
    select sent.place, sent.id, recipients[sent.place] ->> sent.nth as digits,
      coalesce(carriers[sent.place] ->> sent.nth, '') as carrier
    from unnest(places, nths, ids) as sent (place, nth, id)
  ), kept as (
    insert into delivery_job (
      account_id, message_id, recipient, sender, hidden, body, encoding, may_be_twin, failed_status, stored_at,
      carrier, due_at, expires_at, in_line
    )
    select account_ids[sent.place], sent.id, sent.digits, senders[sent.place], not stores[sent.place],
      case when not stores[sent.place] then bodies[sent.place] end, encodings[sent.place], false, 5, dates[sent.place],
      sent.carrier, coalesce(dues[sent.place], now_at),
      case when sent.carrier <> '' then now_at + validities[sent.place] else 0 end,
      coalesce(dues[sent.place] <= now_at, true)
    from sent
  )
  insert into delivery_timeline (account_id, message_id, at, state, reason)
  select account_ids[sent.place], sent.id, now_at, 'queued', '' from sent;

  for nth in reverse coalesce(cardinality(ids), 0) .. 1 loop
    firsts[places[nth]] := ids[nth];
  end loop;
  for place in 1 .. cardinality(account_ids) loop
    "position" := place;
    answer := answers[place];
    if firsts[place] is not null then
      answer := done_remember(account_ids[place], of_operation, keys[place], hashes[place], firsts[place]);
    end if;
    return next;
  end loop;
end
$$;

-- For workers of the version before.
create or replace function sms_send(
  account_ids bigint[], recipients json[], bodies text[], dates bigint[], dues bigint[], encodings smallint[],
  origins integer[], stores boolean[], senders text[],
  of_operation text, keys text[], hashes bytea[], skip_locked boolean
) returns table ("position" integer, answer integer)
language sql volatile as $$
  select * from sms_send(
    account_ids, recipients, bodies, dates, dues, encodings, origins, stores, senders,
    array_fill('[]'::json, array[cardinality(account_ids)]), array_fill(0::bigint, array[cardinality(account_ids)]),
    of_operation, keys, hashes, skip_locked
  )
$$;
