select "position", taken from conversation_read($1::bigint[], $2::text[], $3::boolean) order by "position"
