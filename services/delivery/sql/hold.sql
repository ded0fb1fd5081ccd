select delivery_hold($1::text, $2::bigint)
