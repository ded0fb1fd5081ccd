select mailbox_set_retention($1::bigint, $2::integer)
