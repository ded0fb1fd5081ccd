select id, password_hash, disabled
from account
where msisdn = $1
