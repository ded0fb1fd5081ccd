select "position", taken from message_delete($1::bigint[], $2::integer[], $3::boolean) order by "position"
