with last as (
  select count(*) < $7::integer as has_room from (
    select from delivery_stranger where carrier = $1::text and kept_at > delivery_now() - 60000 limit $7
  ) as last
), kept as (
  insert into delivery_stranger (carrier, inbound_id, sender, destination, body, at, kept_at)
  select $1, $2::text, $3::text, $4::text, $5::text, $6::bigint, delivery_now() from last where has_room
  on conflict (carrier, inbound_id) do nothing
)
select has_room from last
