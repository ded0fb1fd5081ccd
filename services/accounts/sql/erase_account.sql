with removed as (
    delete from account
    where id = $1
    returning 1
)
select count(*)
from removed
