-- Devices of every account; an id is unique over the installation. All dates are milliseconds since 1970.
create sequence device_number as integer;

create table device (
  account_id bigint not null,
  device_id integer not null default nextval('device_number'),
  os integer not null,
  can_send_sms boolean not null,
  can_receive_call boolean not null,
  can_initiate_call boolean not null,
  push_registration_id text,
  push_config text,
  max_mms_size integer,
  message_history_limit integer not null,
  created_at bigint not null,
  synced_at bigint,
  primary key (account_id, device_id)
);

-- Null when the device is the account's or none is named (0), else minus the number of the fault; what is below 0 is one.
create function device_fault(of_account bigint, of_device integer) returns integer
language sql stable as $$
  select case
    when of_device < 0 then of_device
    when of_device > 0 and not exists (select from device where account_id = of_account and device_id = of_device)
      then -105
  end
$$;
