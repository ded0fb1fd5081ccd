select device_id, os, can_send_sms, can_receive_call, can_initiate_call, message_history_limit, created_at, synced_at
from device
where account_id = $1
order by device_id
