select delivery_away($1::text[], $2::bigint) as carrier
