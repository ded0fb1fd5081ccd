select "position", answer from message_lock_list(
  $1::bigint[], $2::text[], $3::boolean[], $4::text, $5::text[], $6::bytea[], $7::boolean
) order by "position"
