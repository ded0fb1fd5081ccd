select carrier, jobs from delivery_backlog($1::integer)
