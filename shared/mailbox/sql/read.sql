-- Of each conversation so many messages at a time as hold up the others of a group for 50 ms at most.
select "position", answer from conversation_read(
  $1::bigint[], $2::text[], $3::text, $4::text[], $5::bytea[], $6::boolean, 500
) order by "position"
