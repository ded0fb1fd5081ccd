-- account, API key or null for all, fingerprint or null for all
with revoked as (
    update token
    set revoked_at = now()
    where account_id = $1
        and revoked_at is null
        and ($2::bigint is null or api_key_id = $2)
        and ($3::text is null or left(encode(token_hash, 'hex'), 16) = $3)
    returning 1
)
select count(*)
from revoked
