select account_id, device_id from device_departed order by account_id, device_id limit $1::integer
