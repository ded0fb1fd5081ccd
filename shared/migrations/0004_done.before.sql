-- What was done under an `Idempotency-Key`, so that a repeated command gets the first answer and has no second effect.
--
-- A row is written in the transaction of its effect and read under the same mailbox lock, which makes the key unique;
-- the index only finds it. `answer` is the id that the reply holds, 0 where it holds none. `slot` is the day modulo 10:
-- a row counts for 7 days, so the slots of tomorrow and the day after hold nothing that counts and can be emptied.
create table done (
  account_id bigint not null,
  operation text not null,
  key text not null,
  request_hash bytea not null,
  answer integer not null,
  at timestamptz not null default now(),
  slot smallint not null
) partition by list (slot);

create index done_key on done (account_id, operation, key);

create function done_slot(days_ahead integer) returns smallint
language sql stable as $$
  select ((extract(epoch from now())::bigint / 86400 + days_ahead) % 10)::smallint
$$;

do $$
begin
  for slot in 0 .. 9 loop
    execute format('create table done_%s partition of done for values in (%s)', slot, slot);
  end loop;
end
$$;

-- The answer under a key of a mailbox whose lock the caller holds: null when there is none, minus the number of the
-- fault when the key was used for another request.
create function done_recall(of_account bigint, of_operation text, of_key text, of_hash bytea) returns integer
language sql stable strict as $$
  select case when request_hash = of_hash then answer else -422 end from done
  where account_id = of_account and operation = of_operation and key = of_key and at > now() - interval '7 days'
$$;

-- Keeps an answer under its key, if the command has one, and returns it.
create function done_remember(of_account bigint, of_operation text, of_key text, of_hash bytea, of_answer integer)
returns integer
language plpgsql volatile as $$
begin
  if of_key is not null then
    insert into done (account_id, operation, key, request_hash, answer, slot)
    values (of_account, of_operation, of_key, of_hash, of_answer, done_slot(0));
  end if;
  return of_answer;
end
$$;

-- Empties the slot of tomorrow (1) or of the day after (2). Each in a transaction of its own: readers lock all slots in
-- their order, which would be another one at the turn of the numbers.
create function done_sweep(days_ahead integer) returns void
language plpgsql volatile as $$
declare
  used boolean;
begin
  if days_ahead not in (1, 2) then
    raise exception 'the slots of other days are in use';
  end if;
  execute format('select exists (select from done_%s)', done_slot(days_ahead)) into used;
  if used then
    execute format('truncate done_%s', done_slot(days_ahead));
  end if;
end
$$;
