-- account or null, numbers; before a statement that writes to the account, for the order of locks
delete from login_attempt
where msisdn = any ($2::text[]) or msisdn = (select msisdn from account where id = $1::bigint)
