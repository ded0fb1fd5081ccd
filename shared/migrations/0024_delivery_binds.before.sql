-- ahead-of: 0021
-- Who may be bound to a carrier that allows so many binds: whoever has one of its slots, until `until` (ms since 1970 by
-- the clock of the database), unless that is put off before. A slot without a row is free.
create table delivery_bind (
  carrier text not null,
  slot integer not null,
  holder text not null,
  until bigint not null,
  primary key (carrier, slot)
) with (fillfactor = 50);

-- Takes a free slot of a carrier for `lease` ms; returns its number, from 0, or null where none of `slots` is free.
create function delivery_take_bind(of_carrier text, slots integer, by_holder text, lease bigint) returns integer
language plpgsql volatile as $$
declare
  free integer;
  taken integer;
begin
  -- Looked at first: an insert that conflicts locks the row, and the holder may be waiting for it.
  select place into free from generate_series(0, slots - 1) as place
  where not exists (
    select from delivery_bind where carrier = of_carrier and slot = place and until > delivery_now()
  )
  order by place limit 1;
  if free is not null then
    insert into delivery_bind as kept (carrier, slot, holder, until)
    values (of_carrier, free, by_holder, delivery_now() + lease)
    on conflict (carrier, slot) do update set holder = excluded.holder, until = delivery_now() + lease
    where kept.until <= delivery_now()
    returning slot into taken;
  end if;
  return taken;
end
$$;

-- Puts off the end of these slots by `lease` ms from now; returns those that the holders still have. One whose time is
-- over may be somebody else's in a moment, so it is given up.
create function delivery_renew_binds(carriers text[], slots integer[], holders text[], lease bigint)
returns table (carrier text, slot integer)
language plpgsql volatile as $$
#variable_conflict use_column
begin
  perform from delivery_bind
  where (carrier, slot, holder) in (select * from unnest(carriers, slots, holders)) order by carrier, slot for update;
  return query
  update delivery_bind set until = delivery_now() + lease
  where (carrier, slot, holder) in (select * from unnest(carriers, slots, holders)) and until > delivery_now()
  returning delivery_bind.carrier, delivery_bind.slot;
end
$$;

-- Inbound messages that come in parts. `is_closed` from when its text is being passed on, and no part is added to it
-- any more; `joined_at` from when that is done, and the texts of its parts are gone. All dates are ms since 1970.
create table delivery_joining (
  id bigint generated always as identity primary key,
  carrier text not null,
  sender text not null,
  destination text not null,
  reference integer not null,
  total smallint not null,
  name text not null default replace(gen_random_uuid()::text, '-', ''), -- what the joined message is called
  at bigint not null, -- of the first part
  due_at bigint not null, -- when it is passed on as it is then
  is_closed boolean not null default false,
  joined_at bigint
);

create index delivery_joining_key on delivery_joining (carrier, sender, destination, reference, total, id);
create index delivery_joining_due on delivery_joining (due_at) where joined_at is null;
create index delivery_joining_age on delivery_joining (joined_at) where joined_at is not null;

-- The text is UTF-8 as bytes, in which half a character may stand at an end.
create table delivery_joining_part (
  joining_id bigint not null references delivery_joining on delete cascade,
  number smallint not null,
  digest bytea not null,
  body bytea,
  primary key (joining_id, number)
);

-- Keeps a part; returns whether its message is whole by it. The same part again has no effect, also for `known` ms after
-- its message was passed on: later it is of a new message, since references begin again. So is another text under a
-- number that is there already.
create function delivery_keep_part(
  of_carrier text, of_sender text, of_destination text, of_reference integer, of_total smallint, of_number smallint,
  of_body bytea, sent_at bigint, patience bigint, known bigint
) returns boolean
language plpgsql volatile as $$
declare
  joining bigint;
begin
  -- Two parts of one message may come by two binds at once, to two workers that both find nothing yet.
  perform pg_advisory_xact_lock(
    hashtextextended(concat_ws(' ', of_carrier, of_sender, of_destination, of_reference, of_total), 0)
  );
  if exists (
    select from delivery_joining as kept join delivery_joining_part as part on part.joining_id = kept.id
    where carrier = of_carrier and sender = of_sender and destination = of_destination and reference = of_reference
      and total = of_total and number = of_number and digest = sha256(of_body)
      and (joined_at is null or joined_at > delivery_now() - known)
  ) then
    return false;
  end if;
  select id into joining from delivery_joining as kept
  where carrier = of_carrier and sender = of_sender and destination = of_destination and reference = of_reference
    and total = of_total and not is_closed
    and not exists (select from delivery_joining_part where joining_id = kept.id and number = of_number)
  order by id desc limit 1 for update;
  if joining is null then
    insert into delivery_joining (carrier, sender, destination, reference, total, at, due_at)
    values (of_carrier, of_sender, of_destination, of_reference, of_total, sent_at, delivery_now() + patience)
    returning id into joining;
  end if;
  insert into delivery_joining_part (joining_id, number, digest, body)
  values (joining, of_number, sha256(of_body), of_body);
  if of_total > (select count(*) from delivery_joining_part where joining_id = joining) then
    return false;
  end if;
  update delivery_joining set due_at = delivery_now() where id = joining;
  return true;
end
$$;

-- Takes messages that are whole, or have waited long enough, for `lease` ms.
create function delivery_due_joinings(most integer, lease bigint) returns table (
  id bigint, carrier text, name text, sender text, destination text, total smallint, at bigint,
  numbers smallint[], bodies bytea[]
)
language plpgsql volatile as $$
#variable_conflict use_column
declare
  taken bigint[];
begin
  select coalesce(array_agg(due.id), '{}') into taken from (
    select id from delivery_joining where joined_at is null and due_at <= delivery_now()
    order by due_at limit most for update skip locked
  ) as due;
  update delivery_joining set is_closed = true, due_at = delivery_now() + lease where id = any (taken);
  return query
  select kept.id, kept.carrier, kept.name, kept.sender, kept.destination, kept.total, kept.at,
    array_agg(part.number order by part.number), array_agg(part.body order by part.number)
  from delivery_joining as kept join delivery_joining_part as part on part.joining_id = kept.id
  where kept.id = any (taken)
  group by kept.id
  order by kept.at, kept.id;
end
$$;

-- Says that messages were passed on.
create function delivery_joined(joined bigint[]) returns void
language plpgsql volatile as $$
begin
  update delivery_joining set joined_at = delivery_now() where id = any (joined) and joined_at is null;
  update delivery_joining_part set body = null where joining_id = any (joined);
end
$$;
