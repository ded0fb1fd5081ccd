with swept as (
  delete from delivery_joining
  where id in (
    select id from delivery_joining where joined_at < delivery_now() - $1::bigint
    order by joined_at limit $2 for update skip locked
  )
  returning id
)
select count(*)::integer from swept
