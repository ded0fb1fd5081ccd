select delivery_release($1::text)
