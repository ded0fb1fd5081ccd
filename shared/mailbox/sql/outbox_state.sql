select (select count(*) from (select from outbox limit $1) as counted)::integer as events,
  coalesce(extract(epoch from now() - (select at from outbox order by id limit 1)), 0)::double precision as seconds
