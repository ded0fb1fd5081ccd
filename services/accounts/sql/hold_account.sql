-- waits for whoever adds a row that belongs to the account, and lets nobody add another one
select id
from account
where id = $1
for update
