insert into token (token_hash, account_id, api_key_id)
select token_hash, account_id, $3
from unnest($1::bytea[], $2::bigint[]) as given (token_hash, account_id)
