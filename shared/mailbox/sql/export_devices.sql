select device_id as "deviceId", os, can_send_sms as "canSendSms", can_receive_call as "canReceiveCall",
  can_initiate_call as "canInitiateCall", max_mms_size as "maxMmsSize",
  message_history_limit as "messageHistoryLimit", created_at as "dateCreated", synced_at as "dateSynced"
from device
where account_id = $1
order by device_id
