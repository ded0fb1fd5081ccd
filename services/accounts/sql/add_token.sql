-- token hash, account, API key, the password hash that the login was checked against
insert into token (token_hash, account_id, api_key_id)
select $1, id, $3
from account
where id = $2 and not disabled and password_hash = $4
returning account_id
