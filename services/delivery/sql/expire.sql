select delivery_expire($1::text, $2::integer)
