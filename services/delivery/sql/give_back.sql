-- What was claimed and not submitted leaves its place to others.
update delivery_pace set free_at = free_at - $2::integer * 1000 / $3::double precision where carrier = $1::text
