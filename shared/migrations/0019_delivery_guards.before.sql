-- Parts that accounts sent on a day (days since 1970, UTC) to numbers that begin with a prefix; only what a cap counts.
create table delivery_counted (
  account_id bigint not null references account (id) on delete cascade,
  day integer not null,
  prefix text not null,
  parts bigint not null,
  primary key (account_id, day, prefix)
);

-- What a number last said to one of ours: nothing more (`is_out`), or welcome again; `at` in ms since 1970.
create table delivery_opt_out (
  own_number text not null,
  number text not null,
  is_out boolean not null,
  at bigint not null,
  primary key (own_number, number)
);

-- While there is a row, nothing is sent.
create table delivery_stop (
  single boolean primary key default true check (single),
  at bigint not null,
  reason text not null
);

-- Says of messages, entry by entry in their order, why each must not be sent: 'stopped', 'opted out', 'capped', or null
-- where it may. Parts of those that may are counted for each cap that their number falls under, unless they were
-- counted before. Callers at the same time take turns for an account, by rows locked in the order of the key.
create function delivery_refusals(
  today integer, account_ids bigint[], senders text[], recipients text[], parts integer[], counted boolean[],
  cap_prefixes text[], cap_parts bigint[]
) returns table ("position" integer, reason text)
language plpgsql volatile as $$
declare
  stopped constant boolean := exists (select from delivery_stop);
  out_of text[] := '{}';
begin
  if not stopped then
    select coalesce(array_agg(asked.sender || ' ' || asked.recipient), '{}') into out_of
    from unnest(senders, recipients) as asked (sender, recipient)
    join delivery_opt_out as kept on kept.own_number = asked.sender and kept.number = asked.recipient and kept.is_out;
    perform delivery_count_from(today, account_ids, recipients, counted, cap_prefixes);
  end if;
  for place in 1 .. cardinality(account_ids) loop
    "position" := place;
    reason := case
      when stopped then 'stopped'
      when senders[place] || ' ' || recipients[place] = any (out_of) then 'opted out'
      when counted[place] or cardinality(cap_prefixes) = 0 then null
      when not delivery_within_caps(
        today, account_ids[place], recipients[place], parts[place], cap_prefixes, cap_parts
      ) then 'capped'
    end;
    return next;
  end loop;
end
$$;

-- Locks the counts that these messages will change, with new ones of 0, and removes those of days that are over.
create function delivery_count_from(
  today integer, account_ids bigint[], recipients text[], counted boolean[], cap_prefixes text[]
) returns void
language plpgsql volatile as $$
begin
  if cardinality(cap_prefixes) = 0 then
    return;
  end if;
  insert into delivery_counted (account_id, day, prefix, parts)
  select distinct asked.account_id, today, cap.prefix, 0
  from unnest(account_ids, recipients, counted) as asked (account_id, recipient, is_counted)
  join unnest(cap_prefixes) as cap (prefix) on starts_with(asked.recipient, cap.prefix)
  where not asked.is_counted and exists (select from account where id = asked.account_id)
  order by 1, 3
  on conflict (account_id, day, prefix) do nothing;
  perform from delivery_counted where account_id = any (account_ids) order by account_id, day, prefix for update;
  delete from delivery_counted where account_id = any (account_ids) and day < today - 1;
end
$$;

-- Counts the parts of one message, unless one of its caps would be exceeded; says whether they were counted.
create function delivery_within_caps(
  today integer, account bigint, recipient text, more integer, cap_prefixes text[], cap_parts bigint[]
) returns boolean
language plpgsql volatile as $$
begin
  if exists (
    select from unnest(cap_prefixes, cap_parts) as cap (prefix, most)
    left join delivery_counted as kept
      on kept.account_id = account and kept.day = today and kept.prefix = cap.prefix
    where starts_with(recipient, cap.prefix) and coalesce(kept.parts, 0) + more > cap.most
  ) then
    return false;
  end if;
  update delivery_counted set parts = delivery_counted.parts + more
  where account_id = account and day = today and prefix = any (cap_prefixes) and starts_with(recipient, prefix);
  return true;
end
$$;
