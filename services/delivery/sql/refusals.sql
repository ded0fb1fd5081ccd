select reason from delivery_refusals(
  (delivery_now() / 86400000)::integer, $1::bigint[], $2::integer[], $3::text[], $4::text[], $5::integer[], $6::boolean[],
  $7::text[], $8::bigint[]
) order by "position"
