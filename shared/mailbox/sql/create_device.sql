select "position", answer from device_create(
  $1::bigint[], $2::integer[], $3::boolean[], $4::boolean[], $5::boolean[], $6::text[], $7::text[], $8::integer[],
  $9::integer[], $10::bigint[], $11::boolean[], $12::integer[], $13::text, $14::text[], $15::bytea[], $16::boolean
) order by "position"
