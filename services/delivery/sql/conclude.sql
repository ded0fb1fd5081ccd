select account_id, message_id from delivery_conclude(
  $1::bigint[], $2::integer[], $3::integer[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::text[], $9::json[],
  $10::integer[], $11::json[]
)
