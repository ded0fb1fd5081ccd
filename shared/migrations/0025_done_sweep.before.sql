-- ahead-of: 0021
-- Two sweeps of one slot take turns: both had looked before either emptied, and waited for each other's look to end.
create or replace function done_sweep(days_ahead integer) returns void
language plpgsql volatile as $$
declare
  used boolean;
begin
  if days_ahead not in (1, 2) then
    raise exception 'the slots of other days are in use';
  end if;
  -- Held off by another sweep, and by nobody who reads or writes.
  execute format('lock table done_%s in share update exclusive mode', done_slot(days_ahead));
  execute format('select exists (select from done_%s)', done_slot(days_ahead)) into used;
  if used then
    execute format('truncate done_%s', done_slot(days_ahead));
  end if;
end
$$;
