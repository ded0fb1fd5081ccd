-- The next $3 devices behind account $1 and device $2, each with whether it has been silent since before $4.
select account_id, device_id, coalesce(synced_at, created_at) < $4::bigint as silent
from device
where (account_id, device_id) > ($1::bigint, $2::integer)
order by account_id, device_id limit $3::integer
