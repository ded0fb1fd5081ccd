select id
from api_key
where id = $1
