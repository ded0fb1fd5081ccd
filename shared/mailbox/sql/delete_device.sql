select "position", answer from device_delete(
  $1::bigint[], $2::integer[], $3::text, $4::text[], $5::bytea[], $6::boolean
) order by "position"
