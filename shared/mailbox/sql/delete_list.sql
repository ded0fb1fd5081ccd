select "position", answer from message_delete_list(
  $1::bigint[], $2::text[], $3::text, $4::text[], $5::bytea[], $6::boolean
) order by "position"
