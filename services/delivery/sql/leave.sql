select delivery_leave($1::bigint[], $2::integer[], $3::bigint, $4::bigint)
