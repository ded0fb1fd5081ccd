select carrier, delivery_now() - due_at as waits_ms
from unnest($1::text[]) as named (carrier)
cross join lateral (
  select due_at from delivery_job where state = 'waiting' and delivery_job.carrier = named.carrier
  order by delivery_job.carrier, due_at limit 1
) as oldest
