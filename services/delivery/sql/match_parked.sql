select delivery_match_parked($1::integer)
