-- The accounts behind $1 that have closed conversations, at most $2 of them: one look into the index for each.
with recursive found as (
  (select account_id from conversation where closed and account_id > $1::bigint order by account_id limit 1)
  union all
  select (
    select account_id from conversation
    where closed and account_id > found.account_id order by account_id limit 1
  )
  from found where account_id is not null
)
select account_id from found
where account_id is not null
-- Of an account that is being erased it takes nothing.
  and exists (select from mailbox where mailbox.account_id = found.account_id)
limit $2::integer
