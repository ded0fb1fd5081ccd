-- one import of an account at a time
select id
from account
where id = $1
for no key update
