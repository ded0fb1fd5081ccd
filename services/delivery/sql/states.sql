-- How many jobs there are of each state but the last, up to $1 of each; by the indexes of those states, so that no others are read.
select 'waiting' as state, count(*)::integer as jobs
from (
  (
    select from delivery_job where state = 'waiting' and in_line
    order by carrier, account_id, due_at limit $1::integer
  )
  union all
  (select from delivery_job where state = 'waiting' and not in_line order by due_at limit $1::integer)
  limit $1::integer
) as counted
union all
select 'submitting', count(*)::integer
from (select from delivery_job where state = 'submitting' order by job_id limit $1::integer) as counted
union all
select 'accepted', count(*)::integer
from (select from delivery_job where state = 'accepted' order by due_at limit $1::integer) as counted
union all
select 'ending', count(*)::integer
from (select from delivery_job where state = 'ending' order by due_at limit $1::integer) as counted
