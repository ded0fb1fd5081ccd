select delivery_keep($1::bigint[], $2::integer[], $3::text[], $4::bigint[], $5::bigint[])
