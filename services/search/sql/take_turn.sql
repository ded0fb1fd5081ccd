select pg_try_advisory_lock(14, 1)
