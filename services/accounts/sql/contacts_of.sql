select name, msisdns
from contact
where account_id = $1
order by place
