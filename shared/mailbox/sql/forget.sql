select device_forget($1::bigint, $2::integer, $3::integer)
