select delivery_divert($1::bigint[], $2::integer[], $3::text[], $4::text)
