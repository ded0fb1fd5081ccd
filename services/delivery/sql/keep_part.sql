select delivery_keep_part(
  $1::text, $2::text, $3::text, $4::integer, $5::smallint, $6::smallint, $7::bytea, $8::bigint, $9::bigint, $10::bigint
)
