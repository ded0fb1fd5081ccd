select mailbox_expire($1::bigint, $2::integer[], $3::bigint, $4::integer)
