-- ahead-of: 0021
-- Deleting a conversation of a million messages gives as many events. They have a queue of their own, and so a relay
-- that must not read through them to find what was stored meanwhile, nor the other way round.
create index outbox_stored on outbox (id) where kind = any ('{1,2}'::smallint[]);
create index outbox_deleted on outbox (id) where kind = 3;

-- Takes events as before, but none while the first one has waited for less than `waiting` seconds: then it is left to the
-- process that wrote it.
create function outbox_take(kinds smallint[], behind bigint, most integer, waiting double precision) returns table (
  id bigint, kind smallint, account_id bigint, message_id integer, change_seq bigint, at bigint
)
language plpgsql volatile
set enable_seqscan to off
as $$
declare
  waits_since timestamptz;
begin
  if waiting > 0 then
    execute format('select at from outbox where id > $1 and kind = any (%L::smallint[]) order by id limit 1', kinds)
      into waits_since using behind;
    if waits_since is null or waits_since > now() - make_interval(secs => waiting) then
      return;
    end if;
  end if;
  return query select * from outbox_take(kinds, behind, most);
end
$$;
