select delivery_route($1::bigint[], $2::integer[], $3::text[], $4::text[], $5::bigint[])
