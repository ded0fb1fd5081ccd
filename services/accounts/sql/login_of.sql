-- a number; without an account all but `blocked` is null
select account.id, account.password_hash, coalesce(login_attempt.blocked_until > now(), false) as blocked
from (select $1::text as msisdn) as asked
left join account on account.msisdn = asked.msisdn
left join login_attempt on login_attempt.msisdn = asked.msisdn
