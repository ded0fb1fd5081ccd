select delivery_seen($1::text[], $2::boolean[])
