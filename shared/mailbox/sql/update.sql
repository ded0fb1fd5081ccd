select "position", taken from message_update(
  $1::bigint[], $2::integer[], $3::boolean[], $4::boolean[], $5::boolean
) order by "position"
