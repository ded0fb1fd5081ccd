with removed as (
    delete from login_attempt
    where msisdn = (select msisdn from account where id = $1::bigint)
    returning 1
)
select count(*)
from removed
