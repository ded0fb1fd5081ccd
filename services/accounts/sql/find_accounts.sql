select id
from account
where id = $1::bigint or msisdn = $2::text
