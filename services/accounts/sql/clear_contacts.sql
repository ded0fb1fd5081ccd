delete from contact
where account_id = $1
