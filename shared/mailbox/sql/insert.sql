select "position", answer from message_insert(
  $1::bigint[], $2::text[], $3::text[], $4::bigint[], $5::boolean[], $6::boolean[], $7::integer[], $8::smallint[],
  $9::boolean[], $10::bigint[], $11::boolean[], $12::integer[], $13::text, $14::text[], $15::bytea[], $16::boolean
) order by "position"
