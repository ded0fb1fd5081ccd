-- Erasing an account. Its mailbox goes first: every write takes the mailbox's lock, so from then on there is none, and
-- what is left can go in steps that are in nobody's way.

-- Accounts whose mailbox never comes back. Ids are never used again, and an id alone tells of nobody.
create table erased_account (
  account_id bigint primary key,
  at timestamptz not null default now()
);

-- Creates mailboxes, but none of an erased account. The locks settle who was first: an erase waits until the mailboxes
-- that are being created are there to be removed, and whoever creates one waits until the erase is known.
create function mailbox_create(account_ids bigint[]) returns void
language plpgsql volatile as $$
begin
  perform pg_advisory_xact_lock_shared(13, hashint8(wanted.account_id))
  from unnest(account_ids) as wanted (account_id);

  insert into mailbox (account_id)
  select wanted.account_id from unnest(account_ids) as wanted (account_id)
  where not exists (select from erased_account where erased_account.account_id = wanted.account_id)
  order by wanted.account_id
  on conflict (account_id) do nothing;
end
$$;

-- Takes the mailboxes' locks in one order, so that writers never wait for each other in a circle, and returns the ids of
-- those taken: all but those of erased accounts, or with `skip_locked` those that nobody else holds. Creates the
-- mailboxes that are missing.
create or replace function mailbox_lock(account_ids bigint[], skip_locked boolean) returns bigint[]
language plpgsql volatile as $$
declare
  missing bigint[];
  taken bigint[];
begin
  select array_agg(distinct wanted.account_id) into missing
  from unnest(account_ids) as wanted (account_id)
  where not exists (select from mailbox where mailbox.account_id = wanted.account_id);
  if missing is not null then
    perform mailbox_create(missing);
  end if;

  if skip_locked then
    select array_agg(held.account_id) into taken from (
      select mailbox.account_id from mailbox where mailbox.account_id = any (account_ids)
      order by mailbox.account_id for update skip locked
    ) as held;
  else
    select array_agg(held.account_id) into taken from (
      select mailbox.account_id from mailbox where mailbox.account_id = any (account_ids)
      order by mailbox.account_id for update
    ) as held;
  end if;
  return coalesce(taken, '{}');
end
$$;

-- Removes the mailbox of an account for ever, not yet what is in it; returns whether there was one.
create function mailbox_erase(of_account bigint) returns boolean
language plpgsql volatile as $$
begin
  perform pg_advisory_xact_lock(13, hashint8(of_account));
  insert into erased_account (account_id) values (of_account) on conflict (account_id) do nothing;
  perform mailbox_lock(array[of_account], false);
  delete from mailbox where account_id = of_account;
  return found;
end
$$;

-- Deletes at most `most` of an account's rows in a table, and returns how many there were; none are left after 0.
create function account_rows_delete(of_table text, of_account bigint, most integer) returns integer
language plpgsql volatile
set enable_seqscan to off -- the steps must not read a table again and again, whatever is known of it
as $$
declare
  part regclass;
  removed integer;
begin
  -- Each partition by itself: a row's place tells it from others of one partition only.
  for part in
    select coalesce(pg_inherits.inhrelid, named.id)::regclass
    from (select of_table::regclass::oid as id) as named left join pg_inherits on pg_inherits.inhparent = named.id
    order by 1
  loop
    -- `for update`: what another erase of the account deletes meanwhile is waited for and left out.
    execute format(
      'delete from %1$s where ctid = any (array(select ctid from %1$s where account_id = $1 limit $2 for update))', part
    ) using of_account, most;
    get diagnostics removed = row_count;
    if removed > 0 then
      return removed;
    end if;
  end loop;
  return 0;
end
$$;

-- What is added for an account while it is erased goes with the account's own row, and what comes later is refused.
-- `not valid`: nothing that is there needs to be looked at, for no account was ever deleted.
alter table token add constraint token_account
  foreign key (account_id) references account (id) on delete cascade not valid;
alter table contact add constraint contact_account
  foreign key (account_id) references account (id) on delete cascade not valid;
alter table delivery_waiting add constraint delivery_waiting_account
  foreign key (account_id) references account (id) on delete cascade not valid;

-- Revoked tokens have to be found as well.
create index token_of_account on token (account_id);
drop index token_by_account;
