select "position", answer from message_update(
  $1::bigint[], $2::integer[], $3::boolean[], $4::boolean[], $5::text, $6::text[], $7::bytea[], $8::boolean
) order by "position"
