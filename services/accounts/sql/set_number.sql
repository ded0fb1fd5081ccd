update account
set msisdn = $2
where id = $1
returning password_hash is not null
