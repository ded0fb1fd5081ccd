select account_id, message_id, job_id, recipient, sender, body, encoding, may_be_twin, is_scheduled, stored_at, due_at
from delivery_due($1::integer, $2::bigint, $3::bigint, $4::boolean, $5::bigint)
