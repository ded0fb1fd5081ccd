select
    id as "accountId",
    msisdn,
    disabled,
    to_char(created_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as "dateCreated"
from account
where id = $1
