select account_id, message_id, recipient, sender, tried
from delivery_standing($1::text, $2::bigint[], $3::integer[], $4::integer)
