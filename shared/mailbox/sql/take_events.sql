select id, kind, account_id, message_id, change_seq, at from outbox_take($1, $2, $3, $4)
