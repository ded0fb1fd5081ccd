select account_id, message_id, claim, job_id, sender, recipient, body, encoding, expires_at - delivery_now() as expires_in, due_at, attempts, resends, is_counted, tried
from delivery_claim($1::text, $2::integer, $3::bigint, $4::double precision, $5::bigint, $6::integer)
