select delivery_reroute($1::text[], $2::integer)
