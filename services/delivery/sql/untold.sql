-- Whoever takes them has $2 ms. `receipt_ms` is how long the receipts of what was delivered took, by the clock of the database.
with taken as (
  update delivery_job set lease_until = delivery_now() + $2::bigint
  where (account_id, message_id) in (
    select account_id, message_id from delivery_job
    where state = 'ending' and due_at <= delivery_now() and lease_until <= delivery_now()
    order by due_at limit $1::integer for update skip locked
  )
  returning account_id, message_id, status, ended_at, carrier
)
select taken.*, case when exists (
  select from delivery_part as part
  where part.account_id = taken.account_id and part.message_id = taken.message_id and part.state = 'delivered'
) then (
  select max(at) filter (where state = 'delivered') - max(at) filter (where state = 'accepted')
  from delivery_timeline as line
  where line.account_id = taken.account_id and line.message_id = taken.message_id
) end as receipt_ms
from taken
