select account_id from erased_account where account_id = any ($1::bigint[])
