select delivery_overdue($1::integer)
