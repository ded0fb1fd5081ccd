update account
set msisdn = null, password_hash = null, login_key_hash = null
where id = $1
