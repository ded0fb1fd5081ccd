select "position", answer from message_settle(
  $1::bigint[], $2::integer[], $3::smallint[], $4::integer[], $5::bigint[], $6::text, $7::text[], $8::bytea[], $9::boolean
) order by "position"
