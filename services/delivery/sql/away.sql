select delivery_away($1::text[], $2::bigint, $3::bigint) as carrier
