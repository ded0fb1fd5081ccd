select conversation_id, date_sent, message_id from mailbox_expired($1, $2, $3, $4, $5, $6)
