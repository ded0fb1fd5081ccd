select device_drop_silent($1::bigint[], $2::integer[], $3::bigint)
