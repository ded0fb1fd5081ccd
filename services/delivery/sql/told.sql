select delivery_told($1::bigint[], $2::integer[])
