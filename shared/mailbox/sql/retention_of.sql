-- The days of an account's own, which are null unless there are some, those that count, and the date that they mean.
select own_days, coalesce(own_days, $2::integer) as days, retention_before(coalesce(own_days, $2)) as before
from (select (select retention_days from mailbox where account_id = $1) as own_days) as asked
