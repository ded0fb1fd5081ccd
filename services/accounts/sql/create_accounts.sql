-- numbers, password hashes; identity values are handed out in the order of the rows
with created as (
    insert into account (msisdn, password_hash)
    select msisdn, password_hash
    from unnest($1::text[], $2::text[]) with ordinality as person (msisdn, password_hash, place)
    order by place
    returning id
)
select id
from created
order by id
