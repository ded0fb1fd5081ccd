-- How many jobs there are of each state but the last, up to $1; in the order of an index, so that no others are read.
select 'waiting' as state, count(*)::integer as jobs
from (select from delivery_job where state = 'waiting' order by carrier, due_at limit $1::integer) as counted
union all
select 'submitting', count(*)::integer
from (select from delivery_job where state = 'submitting' order by lease_until limit $1::integer) as counted
union all
select 'accepted', count(*)::integer
from (select from delivery_job where state = 'accepted' order by due_at limit $1::integer) as counted
union all
select 'ending', count(*)::integer
from (select from delivery_job where state = 'ending' order by due_at limit $1::integer) as counted
