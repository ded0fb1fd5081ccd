select id, carrier, name, sender, destination, total, at, numbers, bodies
from delivery_due_joinings($1::integer, $2::bigint)
