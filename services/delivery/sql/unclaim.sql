select delivery_unclaim($1::text, $2::integer)
