select account_id, message_id, claim, job_id, sender, recipient, '' as body, encoding, expires_at, due_at, attempts, is_counted, tried,
  carrier
from delivery_job where state = 'submitting' and lease_until < delivery_now()
order by lease_until limit $1::integer
