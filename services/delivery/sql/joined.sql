select delivery_joined($1::bigint[])
