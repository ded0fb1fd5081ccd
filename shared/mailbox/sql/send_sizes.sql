select account_id, message_id, octet_length(body) as octets
from unnest($1::bigint[], $2::integer[]) as asked (account_id, message_id)
join message using (account_id, message_id)
