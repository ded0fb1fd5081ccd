-- Ends the turn that was to last until $1, if it is still ours: accounts up to $2 are done, or with $3 all of them, and
-- the next turn is due in $4 seconds.
update retention_pass set
  behind = $2::bigint,
  ended_at = case when $3::boolean then now() else ended_at end,
  free_at = now() + make_interval(secs => $4::double precision)
where free_at = $1
