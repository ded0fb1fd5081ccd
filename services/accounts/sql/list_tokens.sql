-- a fingerprint is the beginning of what is stored: it names a token and opens nothing
select
    left(encode(token.token_hash, 'hex'), 16) as fingerprint,
    token.api_key_id as key_id,
    api_key.name as key_name,
    to_char(token.created_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as created_at
from token
join api_key on api_key.id = token.api_key_id
where token.account_id = $1 and token.revoked_at is null
order by token.created_at, token.token_hash
