select
  (select count(*) from mailbox where retention_days is not null) as accounts_with_own_days,
  (extract(epoch from ended_at) * 1000)::bigint as last_pass
from retention_pass
