with forgotten as (
  delete from delivery_heard
  where (carrier, said) in (
    select carrier, said from delivery_heard where came_at < delivery_now() - $1::bigint
    order by came_at limit $2::integer for update skip locked
  )
  returning carrier
)
select count(*)::integer from forgotten
