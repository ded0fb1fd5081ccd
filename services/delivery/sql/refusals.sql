select reason from delivery_refusals(
  (delivery_now() / 86400000)::integer, $1::bigint[], $2::text[], $3::text[], $4::integer[], $5::boolean[], $6::text[],
  $7::bigint[]
) order by "position"
