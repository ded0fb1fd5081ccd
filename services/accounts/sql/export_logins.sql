select
    api_key.name as application,
    to_char(token.created_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as "dateCreated",
    to_char(token.revoked_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as "dateRevoked"
from token
join api_key on api_key.id = token.api_key_id
where token.account_id = $1
order by token.created_at, token.token_hash
