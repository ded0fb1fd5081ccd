select reason from delivery_refusals(
  $1::integer, $2::bigint[], $3::text[], $4::text[], $5::integer[], $6::boolean[], $7::text[], $8::bigint[]
) order by "position"
