select account_id, device_id from device_departed
-- That of an erased account is gone, and an erase that broke off is finished by asking for it again.
where exists (select from mailbox where mailbox.account_id = device_departed.account_id)
order by account_id, device_id limit $1::integer
