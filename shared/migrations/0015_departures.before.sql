-- What devices leave behind: silent ones are dropped, what was kept of those that are gone is forgotten, and so are the
-- tombstones that no device waits for.

create index message_tombstone on message (account_id, change_seq) where deleted;

-- Up to which message a device's rows are gone: the index has dead entries of them, which no step passes twice.
alter table device_departed add column behind integer not null default 0;

-- Drops devices that have been silent since before `cutoff`, in ms since 1970; returns how many. Mailboxes that somebody
-- else holds are left alone.
create function device_drop_silent(account_ids bigint[], device_ids integer[], cutoff bigint) returns integer
language plpgsql volatile as $$
declare
  held bigint[];
  dropped integer := 0;
begin
  held := mailbox_lock(account_ids, true);
  for place in 1 .. cardinality(account_ids) loop
    if account_ids[place] = any (held) and exists (
      select from device
      where account_id = account_ids[place] and device_id = device_ids[place]
        and coalesce(synced_at, created_at) < cutoff
    ) then
      dropped := dropped + device_remove(account_ids[place], device_ids[place])::integer;
    end if;
  end loop;
  return dropped;
end
$$;

-- Forgets `most` messages of a device that is gone; returns whether there may be more, null when the mailbox is locked by
-- somebody else.
create function device_forget(of_account bigint, of_device integer, most integer) returns boolean
language plpgsql volatile
set plan_cache_mode to force_generic_plan
set enable_seqscan to off
set enable_bitmapscan to off
set enable_sort to off
as $$
declare
  held bigint[];
  done integer;
  forgotten integer[];
begin
  held := mailbox_lock(array[of_account], true);
  if held = '{}' then
    return null;
  end if;
  select behind into done from device_departed where account_id = of_account and device_id = of_device;
  forgotten := array(
    select message_id from device_message
    where account_id = of_account and device_id = of_device and message_id > done
    order by message_id limit most
  );
  delete from device_message
  where account_id = of_account and device_id = of_device
    and message_id between done + 1 and forgotten[cardinality(forgotten)];
  if cardinality(forgotten) < most then
    delete from device_departed where account_id = of_account and device_id = of_device;
    return false;
  end if;
  update device_departed set behind = forgotten[most] where account_id = of_account and device_id = of_device;
  return true;
end
$$;

-- Removes tombstones that no device waits for, which is so for ever; returns how many. Mailboxes that somebody else holds
-- are left alone.
create function tombstone_remove(account_ids bigint[], message_ids integer[]) returns integer
language plpgsql volatile as $$
declare
  held bigint[];
  removed integer := 0;
begin
  held := mailbox_lock(account_ids, true);
  for place in 1 .. cardinality(account_ids) loop
    if account_ids[place] = any (held) then
      delete from message where account_id = account_ids[place] and message_id = message_ids[place] and deleted;
      removed := removed + found::integer;
    end if;
  end loop;
  return removed;
end
$$;
