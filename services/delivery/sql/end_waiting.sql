select delivery_end_waiting($1::bigint[], $2::integer[], $3::text[], $4::text[], $5::boolean)
