select account_id, message_id, claim, job_id, sender, recipient, body, encoding, expires_at, due_at, attempts, is_counted, tried
from delivery_claim($1::text, $2::integer, $3::double precision, $4::bigint)
