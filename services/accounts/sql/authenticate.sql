-- hashes of API keys, hashes of tokens; a token is valid only with the application that got it
select
    coalesce(api_key.id, 0) as application_id,
    coalesce(api_key.disabled, false) as application_disabled,
    coalesce(account.id, 0) as account_id,
    coalesce(account.disabled, false) as account_disabled,
    account.msisdn
from unnest($1::bytea[], $2::bytea[]) with ordinality as asked (key_hash, token_hash, place)
left join api_key on api_key.key_hash = asked.key_hash
left join token
    on token.token_hash = asked.token_hash and token.api_key_id = api_key.id and token.revoked_at is null
left join account on account.id = token.account_id
order by asked.place
