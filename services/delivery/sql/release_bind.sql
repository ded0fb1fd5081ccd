delete from delivery_bind where carrier = $1 and slot = $2 and holder = $3
