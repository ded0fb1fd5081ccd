select account_id, message_id, change_seq from search_document
where (account_id, message_id) > ($1::bigint, $2::integer) and gone_at is null
order by account_id, message_id limit $3
