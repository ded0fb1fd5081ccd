select "position", answer from device_update(
  $1::bigint[], $2::integer[], $3::boolean[], $4::boolean[], $5::text[], $6::text[], $7::integer[],
  $8::text, $9::text[], $10::bytea[], $11::boolean
) order by "position"
