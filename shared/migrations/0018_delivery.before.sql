-- Deliveries: one job for each message that is to go out by a carrier, or at a later date. All dates are milliseconds
-- since 1970 by the clock of the database.
--
-- A job is `waiting` until `due_at`, first for a carrier to be chosen (carrier ''), then for the carrier; `submitting`
-- from before anything is written to the carrier until its answer is kept; `accepted` until its receipts came, at most
-- until `due_at`; `ending` until the mailbox knows, and then `done`. A worker that has one holds it until `lease_until`;
-- `claim` tells its holds apart.
--
-- A job of a message that its sender does not keep holds the text itself, so that no reader of messages can ever see it.
create table delivery_job (
  account_id bigint not null references account (id) on delete cascade,
  message_id integer not null,
  job_id bigint generated always as identity,
  recipient text not null, -- digits
  sender text not null default '', -- digits, empty for none
  hidden boolean not null default false,
  body text, -- of hidden ones that are not done
  encoding smallint not null default 0,
  may_be_twin boolean not null, -- whether it goes to the mailbox of an account whose number this is
  failed_status smallint not null, -- what the message becomes when it fails for good
  stored_at bigint not null,
  carrier text not null default '',
  tried text[] not null default '{}', -- carriers that are not to have it next
  state text not null default 'waiting' check (state in ('waiting', 'submitting', 'accepted', 'ending', 'done')),
  due_at bigint not null,
  expires_at bigint not null default 0, -- never sent after it; set with the carrier
  lease_until bigint not null default 0,
  claim integer not null default 0,
  attempts integer not null default 0,
  is_counted boolean not null default false, -- for the caps of its account
  status smallint, -- what the mailbox is to be told
  ended_at bigint,
  primary key (account_id, message_id)
) with (fillfactor = 60);

create index delivery_job_due on delivery_job (carrier, due_at) where state = 'waiting';
create index delivery_job_leased on delivery_job (lease_until) where state = 'submitting';
create index delivery_job_awaited on delivery_job (due_at) where state = 'accepted';
create index delivery_job_ending on delivery_job (due_at) where state = 'ending';
create index delivery_job_done on delivery_job (ended_at) where state = 'done';

-- What happened to a job, in the order of `id`.
create table delivery_timeline (
  account_id bigint not null,
  message_id integer not null,
  id bigint generated always as identity,
  at bigint not null,
  state text not null,
  reason text not null,
  primary key (account_id, message_id, id),
  foreign key (account_id, message_id) references delivery_job on delete cascade
);

-- The parts of a message as the carrier that accepted them names them, and what receipts said last.
create table delivery_part (
  account_id bigint not null,
  message_id integer not null,
  carrier text not null,
  carrier_id text not null,
  state text not null default 'accepted',
  primary key (account_id, message_id, carrier, carrier_id),
  foreign key (account_id, message_id) references delivery_job on delete cascade
);

create index delivery_part_named on delivery_part (carrier, carrier_id);

-- Receipts that belong to no part yet: they may come before the carrier's answer.
create table delivery_parked (
  carrier text not null,
  carrier_id text not null,
  number text not null, -- digits, empty where the carrier does not say it
  state text not null,
  reason text not null,
  at bigint not null,
  parked_at bigint not null,
  primary key (carrier, carrier_id, number, state)
);

create index delivery_parked_age on delivery_parked (parked_at);

-- Messages to numbers that no account has.
create table delivery_stranger (
  carrier text not null,
  inbound_id text not null,
  sender text not null,
  destination text not null,
  body text not null,
  at bigint not null,
  kept_at bigint not null,
  primary key (carrier, inbound_id)
);

create index delivery_stranger_age on delivery_stranger (kept_at);

-- When a carrier may have the next message: what holds the rate of a carrier however many workers there are.
create table delivery_pace (
  carrier text primary key,
  free_at double precision not null
) with (fillfactor = 50);

create function delivery_now() returns bigint
language sql volatile as $$
  select (extract(epoch from clock_timestamp()) * 1000)::bigint
$$;

create function delivery_note(of_account bigint, of_message integer, new_state text, new_reason text) returns void
language sql volatile as $$
  insert into delivery_timeline (account_id, message_id, at, state, reason)
  values (of_account, of_message, delivery_now(), new_state, new_reason)
$$;

-- Ends a job whose row the caller has locked. The mailbox is told later, unless there is nobody to be told or it knows.
create function delivery_end(job delivery_job, outcome text, reason text, happened_at bigint, is_told boolean)
returns void
language plpgsql volatile as $$
declare
  told boolean := is_told or job.hidden or outcome = 'cancelled';
begin
  update delivery_job set
    state = case when told then 'done' else 'ending' end,
    status = case when not told then case when outcome = 'delivered' then 2 else failed_status end end,
    body = null, due_at = delivery_now(), lease_until = 0,
    ended_at = greatest(stored_at, least(happened_at, delivery_now()))
  where account_id = job.account_id and message_id = job.message_id;
  perform delivery_note(job.account_id, job.message_id, outcome, reason);
end
$$;

-- Keeps jobs of messages that are stored; one that is kept already stays as it is. `dues` are null for now.
create function delivery_keep(
  account_ids bigint[], message_ids integer[], recipients text[], stored_ats bigint[], dues bigint[]
) returns void
language plpgsql volatile as $$
begin
  with kept as (
    insert into delivery_job (account_id, message_id, recipient, stored_at, due_at, may_be_twin, failed_status)
    select sent.account_id, sent.message_id, sent.recipient, sent.stored_at, coalesce(sent.due_at, delivery_now()), true, 3
    from unnest(account_ids, message_ids, recipients, stored_ats, dues)
      as sent (account_id, message_id, recipient, stored_at, due_at)
    order by sent.account_id, sent.message_id
    on conflict (account_id, message_id) do nothing
    returning account_id, message_id
  )
  insert into delivery_timeline (account_id, message_id, at, state, reason)
  select kept.account_id, kept.message_id, delivery_now(), 'queued', '' from kept;
end
$$;

-- Whether a job's message is there to be sent; the text is that of the message, or of the job where that holds it.
create function delivery_text(job delivery_job, out body text, out is_there boolean, out is_scheduled boolean)
language plpgsql stable as $$
declare
  kept message;
begin
  if job.hidden then
    body := job.body;
    is_there := true;
    is_scheduled := false;
    return;
  end if;
  kept := message_standing(job.account_id, job.message_id);
  body := kept.body;
  is_there := kept.message_id is not null and not kept.incoming and kept.status in (1, 4);
  is_scheduled := kept.status = 4;
end
$$;

-- Takes due jobs for which nobody has chosen a carrier, for `lease` ms, and not many more than `octets` of text; those
-- whose message is gone end here.
create function delivery_due(most integer, octets bigint, lease bigint) returns table (
  account_id bigint, message_id integer, job_id bigint, recipient text, sender text, body text, encoding smallint,
  may_be_twin boolean, is_scheduled boolean, stored_at bigint, due_at bigint
)
language plpgsql volatile
set plan_cache_mode to force_generic_plan
set enable_seqscan to off
as $$
#variable_conflict use_column
declare
  job delivery_job;
  kept record;
begin
  for job in
    select * from delivery_job
    where carrier = '' and state = 'waiting' and due_at <= delivery_now() and lease_until <= delivery_now()
    order by due_at limit most for update skip locked
  loop
    kept := delivery_text(job);
    if not kept.is_there then
      perform delivery_end(job, 'cancelled', 'the message is gone', delivery_now(), true);
      continue;
    end if;
    update delivery_job set lease_until = delivery_now() + lease
    where account_id = job.account_id and message_id = job.message_id;
    return query select job.account_id, job.message_id, job.job_id, job.recipient, job.sender, kept.body, job.encoding,
      job.may_be_twin, kept.is_scheduled, job.stored_at, job.due_at;
    octets := octets - octet_length(kept.body);
    exit when octets < 0;
  end loop;
end
$$;

-- Gives jobs to carriers, each with its sender's number and the date behind which it is not sent any more.
create function delivery_route(
  account_ids bigint[], message_ids integer[], carriers text[], senders text[], expiries bigint[]
) returns void
language plpgsql volatile as $$
begin
  for place in 1 .. cardinality(account_ids) loop
    update delivery_job set
      carrier = carriers[place], sender = senders[place], expires_at = expiries[place], lease_until = 0
    where account_id = account_ids[place] and message_id = message_ids[place] and state = 'waiting' and carrier = '';
  end loop;
end
$$;

-- Takes jobs from carriers that are none any more, for another one to be chosen; at most `most`. Returns how many.
create function delivery_reroute(known text[], most integer) returns integer
language plpgsql volatile
set plan_cache_mode to force_generic_plan
set enable_seqscan to off
as $$
declare
  rerouted integer;
begin
  with recursive named as (
    (select carrier from delivery_job where state = 'waiting' and carrier > '' order by carrier limit 1)
    union all
    select (
      select carrier from delivery_job where state = 'waiting' and carrier > named.carrier order by carrier limit 1
    )
    from named where named.carrier is not null
  )
  update delivery_job set carrier = '', tried = '{}'
  where (account_id, message_id) in (
    select job.account_id, job.message_id from named
    cross join lateral (
      select account_id, message_id from delivery_job
      where carrier = named.carrier and state = 'waiting' limit most for update skip locked
    ) as job
    where named.carrier <> all (known)
  );
  get diagnostics rerouted = row_count;
  return rerouted;
end
$$;

-- Ends jobs that wait for a carrier to be chosen; with `is_told` the mailbox knows.
create function delivery_end_waiting(
  account_ids bigint[], message_ids integer[], outcomes text[], reasons text[], is_told boolean
) returns void
language plpgsql volatile as $$
declare
  job delivery_job;
begin
  for place in 1 .. cardinality(account_ids) loop
    select * into job from delivery_job
    where account_id = account_ids[place] and message_id = message_ids[place] and state = 'waiting' for update;
    if found then
      perform delivery_end(job, outcomes[place], reasons[place], delivery_now(), is_told);
    end if;
  end loop;
end
$$;

-- Takes due jobs of a carrier, for `lease` ms and at its rate, which all workers share; from then on they may have been
-- sent. Those whose message is gone, or whose time is over, end here.
create function delivery_claim(of_carrier text, most integer, rate double precision, lease bigint) returns table (
  account_id bigint, message_id integer, claim integer, job_id bigint, sender text, recipient text, body text,
  encoding smallint, expires_at bigint, due_at bigint, attempts integer, is_counted boolean, tried text[]
)
language plpgsql volatile
set plan_cache_mode to force_generic_plan
set enable_seqscan to off
as $$
#variable_conflict use_column
declare
  now_at bigint := delivery_now();
  each_takes double precision := 1000 / rate;
  free double precision;
  taken integer := 0;
  job delivery_job;
  kept record;
begin
  select free_at into free from delivery_pace where carrier = of_carrier for update skip locked;
  if not found then
    insert into delivery_pace (carrier, free_at) values (of_carrier, 0) on conflict (carrier) do nothing;
    return;
  end if;
  -- What was not used lately may be caught up, but never more than this.
  free := greatest(free, now_at - greatest(300, each_takes));
  for job in
    select * from delivery_job
    where carrier = of_carrier and state = 'waiting' and due_at <= now_at and lease_until <= now_at
    order by due_at limit greatest(0, least(most, floor((now_at - free) / each_takes + 0.001))) for update skip locked
  loop
    kept := delivery_text(job);
    if not kept.is_there then
      perform delivery_end(job, 'cancelled', 'the message is gone', now_at, true);
    elsif job.expires_at <= now_at then
      perform delivery_end(job, 'expired', 'not sent in its time', now_at, false);
    else
      taken := taken + 1;
      update delivery_job set state = 'submitting', lease_until = now_at + lease, claim = job.claim + 1
      where account_id = job.account_id and message_id = job.message_id;
      perform delivery_note(job.account_id, job.message_id, 'submitting', of_carrier);
      return query select job.account_id, job.message_id, job.claim + 1, job.job_id, job.sender, job.recipient, kept.body,
        job.encoding, job.expires_at, job.due_at, job.attempts, job.is_counted, job.tried;
    end if;
  end loop;
  if taken > 0 then
    update delivery_pace set free_at = free + taken * each_takes where carrier = of_carrier;
  end if;
end
$$;

-- Gives a carrier nothing for so many ms, by whichever worker.
create function delivery_hold(of_carrier text, ms bigint) returns void
language sql volatile as $$
  update delivery_pace set free_at = greatest(free_at, delivery_now() + ms) where carrier = of_carrier
$$;

-- Applies what a receipt says to a job whose row the caller has locked. No final state is ever left. A message is
-- delivered when all its parts are, and failed when one is.
create function delivery_receive(
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
    perform delivery_end(job, new_state, new_reason, happened_at, false);
  elsif not exists (
    select from delivery_part
    where account_id = job.account_id and message_id = job.message_id and state <> 'delivered'
  ) then
    perform delivery_end(job, 'delivered', new_reason, happened_at, false);
  end if;
end
$$;

-- The message of a carrier's id, the latest where the carrier used it again; a row of nulls where there is none.
create function delivery_part_of(of_carrier text, of_carrier_id text, of_number text) returns delivery_job
language sql stable as $$
  select delivery_job.* from delivery_part
  join delivery_job using (account_id, message_id)
  where delivery_part.carrier = of_carrier and delivery_part.carrier_id = of_carrier_id
    and of_number in ('', delivery_job.recipient)
  order by delivery_job.job_id desc limit 1
$$;

-- Takes receipts, and parks those of messages that are not known to be accepted; returns how many were not parked.
create function delivery_receipts(
  carriers text[], carrier_ids text[], numbers text[], states text[], reasons text[], dates bigint[]
) returns integer
language plpgsql volatile
set plan_cache_mode to force_generic_plan
set enable_seqscan to off
as $$
declare
  came record;
  job delivery_job;
  matched integer := 0;
begin
  -- In one order, so that no two of these calls wait for each other.
  for came in
    select sent.*, named.account_id, named.message_id
    from unnest(carriers, carrier_ids, numbers, states, reasons, dates)
      with ordinality as sent (carrier, carrier_id, number, state, reason, at, place)
    left join lateral delivery_part_of(sent.carrier, sent.carrier_id, sent.number) as named on true
    order by named.account_id, named.message_id, sent.place
  loop
    select * into job from delivery_job
    where account_id = came.account_id and message_id = came.message_id for update;
    if found then
      matched := matched + 1;
      perform delivery_receive(job, came.carrier, came.carrier_id, came.state, came.reason, came.at);
    else
      insert into delivery_parked (carrier, carrier_id, number, state, reason, at, parked_at)
      values (came.carrier, came.carrier_id, came.number, came.state, came.reason, came.at, delivery_now())
      on conflict (carrier, carrier_id, number, state) do nothing;
    end if;
  end loop;
  return matched;
end
$$;

-- Takes the receipts that came before their message was known to be accepted. Of a message whose row the caller locked.
create function delivery_unpark(of_account bigint, of_message integer, of_carrier text, of_carrier_id text) returns void
language plpgsql volatile as $$
declare
  job delivery_job;
  came delivery_parked;
begin
  for came in
    select parked.* from delivery_parked as parked
    where parked.carrier = of_carrier and parked.carrier_id = of_carrier_id
    order by parked.parked_at
  loop
    select * into strict job from delivery_job where account_id = of_account and message_id = of_message;
    if came.number in ('', job.recipient) then
      perform delivery_receive(job, of_carrier, of_carrier_id, came.state, came.reason, came.at);
      delete from delivery_parked
      where carrier = of_carrier and carrier_id = of_carrier_id and number = came.number and state = came.state;
    end if;
  end loop;
end
$$;

-- Looks again at the receipts of the last minute that were parked: one may have come in the moment in which its message
-- was accepted. Older ones wait for their message to be accepted. Returns how many were matched.
create function delivery_match_parked(most integer) returns integer
language plpgsql volatile
set plan_cache_mode to force_generic_plan
set enable_seqscan to off
as $$
declare
  came record;
  matched integer := 0;
begin
  for came in
    select named.account_id, named.message_id, parked.carrier, parked.carrier_id
    from delivery_parked as parked
    cross join lateral delivery_part_of(parked.carrier, parked.carrier_id, parked.number) as named
    where parked.parked_at > delivery_now() - 60000 and named.account_id is not null
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

-- Keeps what became of submissions, if `claims` still hold them: the job is then `accepted` until `dues`, `waiting` for
-- `dues` and a carrier, or `ending`. `part_ids` are JSON arrays of what the carrier calls the parts. Returns which were
-- not held any more.
create function delivery_conclude(
  account_ids bigint[], message_ids integer[], claims integer[], outcomes text[], reasons text[], new_states text[],
  dues bigint[], new_carriers text[], new_trieds json[], new_attempts integer[], part_ids json[]
) returns table (account_id bigint, message_id integer)
language plpgsql volatile
set plan_cache_mode to force_generic_plan
set enable_seqscan to off
as $$
#variable_conflict use_column
declare
  place integer;
  job delivery_job;
  is_held boolean;
  part text;
begin
  for place in
    select sent.place from unnest(account_ids, message_ids) with ordinality as sent (account_id, message_id, place)
    order by sent.account_id, sent.message_id
  loop
    select * into job from delivery_job
    where account_id = account_ids[place] and message_id = message_ids[place] for update;
    continue when not found;
    -- One that was given up may still be accepted, as long as nobody sends it again.
    is_held := job.claim = claims[place]
      and (job.state = 'submitting' or job.state = 'waiting' and new_states[place] = 'accepted');
    if not is_held then
      account_id := job.account_id;
      message_id := job.message_id;
      return next;
      continue;
    end if;
    if new_states[place] = 'ending' then
      if outcomes[place] <> 'failed' then
        perform delivery_note(job.account_id, job.message_id, outcomes[place], reasons[place]);
      end if;
      perform delivery_end(
        job, case outcomes[place] when 'accepted' then 'delivered' else 'failed' end, reasons[place], delivery_now(), false
      );
    else
      update delivery_job set
        state = new_states[place], due_at = dues[place], lease_until = 0, carrier = new_carriers[place], is_counted = true,
        tried = array(select json_array_elements_text(new_trieds[place])), attempts = new_attempts[place]
      where account_id = job.account_id and message_id = job.message_id;
      perform delivery_note(job.account_id, job.message_id, outcomes[place], reasons[place]);
    end if;
    for part in select json_array_elements_text(part_ids[place]) loop
      insert into delivery_part (account_id, message_id, carrier, carrier_id)
      values (job.account_id, job.message_id, new_carriers[place], part)
      on conflict (account_id, message_id, carrier, carrier_id) do nothing;
      perform delivery_unpark(job.account_id, job.message_id, new_carriers[place], part);
    end loop;
  end loop;
end
$$;

-- How many jobs are due and wait for a carrier, or for one to be chosen; counted up to `most` for each.
create function delivery_backlog(most integer) returns table (carrier text, jobs integer)
language plpgsql stable
set plan_cache_mode to force_generic_plan
set enable_seqscan to off
as $$
#variable_conflict use_column
begin
  return query
  with recursive named as (
    (select carrier from delivery_job where state = 'waiting' order by carrier limit 1)
    union all
    select (
      select carrier from delivery_job where state = 'waiting' and carrier > named.carrier order by carrier limit 1
    )
    from named where named.carrier is not null
  )
  select named.carrier, (
    select count(*)::integer from (
      select from delivery_job
      where carrier = named.carrier and state = 'waiting' and due_at <= delivery_now() limit most
    ) as due
  )
  from named where named.carrier is not null;
end
$$;

-- Ends jobs whose receipts did not come; returns how many.
create function delivery_overdue(most integer) returns integer
language plpgsql volatile
set plan_cache_mode to force_generic_plan
set enable_seqscan to off
as $$
declare
  job delivery_job;
  ended integer := 0;
begin
  for job in
    select * from delivery_job where state = 'accepted' and due_at <= delivery_now()
    order by due_at limit most for update skip locked
  loop
    perform delivery_end(job, 'expired', 'no receipt in its time', delivery_now(), false);
    ended := ended + 1;
  end loop;
  return ended;
end
$$;

-- Deletes what is old: jobs that ended before `ended_before` with all that belongs to them, receipts that nothing matched
-- and messages to nobody from before `unmatched_before`; at most `most` of each. Returns how many.
create function delivery_sweep(ended_before bigint, unmatched_before bigint, most integer)
returns table (jobs integer, receipts integer, strangers integer)
language plpgsql volatile
set enable_seqscan to off
as $$
begin
  delete from delivery_job where (account_id, message_id) in (
    select account_id, message_id from delivery_job where state = 'done' and ended_at < ended_before
    order by ended_at limit most for update skip locked
  );
  get diagnostics jobs = row_count;
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

-- Stores texts for carriers, one for each recipient of an entry, with their jobs, entry by entry in their order; `dues`
-- are null for now. Answers the id of the first of an entry, which the others follow. One that is not stored has its id
-- and its job only.
create function sms_send(
  account_ids bigint[], recipients json[], bodies text[], dates bigint[], dues bigint[], encodings smallint[],
  origins integer[], stores boolean[], senders text[],
  of_operation text, keys text[], hashes bytea[], skip_locked boolean
) returns table ("position" integer, answer integer)
language plpgsql volatile as $$
#variable_conflict use_variable
declare
  held bigint[];
  recipient text;
  id integer;
begin
  held := mailbox_lock(account_ids, skip_locked);
  for place in 1 .. cardinality(account_ids) loop
    "position" := place;
    answer := null;
    if account_ids[place] = any (held) then
      answer := done_recall(account_ids[place], of_operation, keys[place], hashes[place]);
    end if;
    if account_ids[place] = any (held) and answer is null then
      for recipient in select json_array_elements_text(recipients[place]) loop
        if stores[place] then
          id := (message_store(
            account_ids[place], '+' || recipient, bodies[place], dates[place], dues[place], origins[place],
            case when dues[place] is null then 1 else 4 end::smallint, false, true, false
          )).message_id;
        else
          update mailbox set last_message_id = last_message_id + 1 where account_id = account_ids[place]
          returning last_message_id into strict id;
        end if;
        insert into delivery_job (
          account_id, message_id, recipient, sender, hidden, body, encoding, may_be_twin, failed_status, stored_at, due_at
        ) values (
          account_ids[place], id, recipient, senders[place], not stores[place],
          case when not stores[place] then bodies[place] end, encodings[place], false, 5, dates[place],
          coalesce(dues[place], delivery_now())
        );
        perform delivery_note(account_ids[place], id, 'queued', '');
        answer := coalesce(answer, id);
      end loop;
      perform done_remember(account_ids[place], of_operation, keys[place], hashes[place], answer);
    end if;
    return next;
  end loop;
end
$$;

-- Changes what a send is, in a mailbox whose lock the caller holds, if it still is pending (1) or waits for its time (4).
-- Any other is left alone, so that no status goes backwards; a null origin is unchanged.
create function message_conclude(
  of_account bigint, of_message integer, new_status smallint, new_origin integer, new_date bigint
) returns void
language plpgsql volatile as $$
declare
  old message := message_standing(of_account, of_message);
  seq bigint;
begin
  new_origin := coalesce(new_origin, old.origin);
  if old.message_id is null or old.incoming or old.status not in (1, 4)
    or (new_status, new_origin, new_date) is not distinct from (old.status, old.origin, old.date_status)
  then
    return;
  end if;
  seq := mailbox_announce(of_account, array[of_message], 2) + 1;
  update message set status = new_status, origin = new_origin, date_status = new_date, change_seq = seq
  where account_id = of_account and message_id = of_message;
  if new_status = 5 then
    update conversation set messages_unsent = messages_unsent + 1
    where account_id = of_account and conversation_id = old.conversation_id;
  end if;
end
$$;

-- Says what became of sends, entry by entry in their order, as `message_conclude` does.
create or replace function message_settle(
  account_ids bigint[], message_ids integer[], statuses smallint[], origins integer[], dates bigint[],
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
      answer := 0;
      perform message_conclude(account_ids[place], message_ids[place], statuses[place], origins[place], dates[place]);
    end if;
    return next;
  end loop;
end
$$;

-- What waited so far. Workers of the last version may still add to the table, which goes when all are of this one.
insert into delivery_job (account_id, message_id, recipient, stored_at, due_at, may_be_twin, failed_status)
select waiting.account_id, waiting.message_id, ltrim(conversation.address, '+'), message.date_sent, waiting.due_at, true, 3
from delivery_waiting as waiting
join message using (account_id, message_id)
join conversation using (account_id, conversation_id)
where not message.deleted and not conversation.closed and not message.incoming and message.status in (1, 4)
on conflict (account_id, message_id) do nothing;
