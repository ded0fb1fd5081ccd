-- Takes a turn of $1 seconds at most, unless somebody has one, none is due, or no message of anybody ever expires.
update retention_pass set free_at = now() + make_interval(secs => $1::double precision)
where free_at <= now() and ($2::integer > 0 or exists (select from mailbox where retention_days > 0))
returning behind, free_at
