select "position", answer, confirmed::text, syncs::text, unfinished from device_sync(
  $1::bigint[], $2::integer[], $3::text[], $4::text[], $5::json[], $6::boolean[], $7::integer[], $8::bigint[],
  $9::bigint[], $10::integer[], $11::text, $12::text[], $13::bytea[], $14::boolean
) order by "position"
