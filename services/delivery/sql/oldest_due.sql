-- Of up to $2 jobs of each carrier: the line is in the order of the accounts' turns, not of dates.
select carrier, delivery_now() - oldest.due_at as waits_ms
from unnest($1::text[]) as named (carrier)
cross join lateral (
  select min(due_at) as due_at from (
    select due_at from delivery_job
    where state = 'waiting' and in_line and delivery_job.carrier = named.carrier
    order by account_id, due_at limit $2::integer
  ) as line
) as oldest
where oldest.due_at is not null
