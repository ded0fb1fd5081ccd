select id, msisdn, disabled, to_char(created_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as created_at
from account
where id > $1
order by id
limit $2
