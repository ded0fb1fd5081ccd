-- One whose answer was waited for in vain has no lease, and a due date in its stead: until then more may come.
select account_id, message_id, claim, job_id, sender, recipient, '' as body, encoding, expires_at, due_at, attempts, resends,
  is_counted, tried, carrier, lease_until = 0 as was_unknown
from delivery_job where state = 'submitting' and lease_until < delivery_now() and due_at < delivery_now()
order by lease_until, due_at limit $1::integer
