select delivery_take_bind($1::text, $2::integer, $3::text, $4::bigint)
