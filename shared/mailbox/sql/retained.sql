-- The next mailboxes behind $1, at most $2 of them, and whether messages of theirs expired; $3 is the installation's days.
-- Where that is 0, only those with days of their own are gone through, which have an index.
with passed as materialized (
  (
    select account_id, retention_days from mailbox
    where $3::integer > 0 and account_id > $1::bigint order by account_id limit $2::integer
  )
  union all
  (
    select account_id, retention_days from mailbox
    where $3 = 0 and account_id > $1 and retention_days > 0 order by account_id limit $2
  )
),
dated as materialized (
  select account_id, coalesce(retention_days, $3) as days, retention_before(coalesce(retention_days, $3)) as before
  from passed
)
select account_id, days, before,
  before is not null and exists (select from mailbox_expired(account_id, before, 0, 0, 0, 1)) as due
from dated order by account_id
