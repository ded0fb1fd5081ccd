select "position", answer from conversation_delete(
  $1::bigint[], $2::json[], $3::text, $4::text[], $5::bytea[], $6::boolean
) order by "position"
