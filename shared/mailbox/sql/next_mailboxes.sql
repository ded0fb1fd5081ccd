select account_id from mailbox where account_id > $1::bigint order by account_id limit $2::integer
