select delivery_turns($1::text, $2::bigint, $3::integer, false)
