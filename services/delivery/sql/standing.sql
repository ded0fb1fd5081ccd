select account_id, message_id, recipient, sender, due_at
from delivery_standing($1::text, $2::bigint, $3::bigint, $4::integer)
