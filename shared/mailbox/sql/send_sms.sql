select "position", answer from sms_send(
  $1::bigint[], $2::json[], $3::text[], $4::bigint[], $5::bigint[], $6::smallint[], $7::integer[], $8::boolean[],
  $9::text[], $10::json[], $11::bigint[], $12::text, $13::text[], $14::bytea[], $15::boolean
) order by "position"
