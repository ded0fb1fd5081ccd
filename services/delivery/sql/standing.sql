select account_id, message_id, recipient, sender, tried, due_at
from delivery_standing($1::text, $2::bigint[], $3::bigint[], $4::integer[], $5::integer)
