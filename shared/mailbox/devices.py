"""Writes on devices, in the order of the arguments of the functions that run them."""

from typing import NamedTuple


class NewDevice(NamedTuple):
    """A device to register at `created_at`, in ms since 1970; at `device_limit` only with `force`."""

    account_id: int
    os: int
    can_send_sms: bool
    can_receive_call: bool
    can_initiate_call: bool
    push_registration_id: str | None
    push_config: str | None
    max_mms_size: int | None
    message_history_limit: int
    created_at: int
    force: bool
    device_limit: int


class DeviceChange(NamedTuple):
    """What to change of a device; none is unchanged."""

    account_id: int
    device_id: int
    can_receive_call: bool
    can_initiate_call: bool
    push_registration_id: str | None
    push_config: str | None
    max_mms_size: int | None


class DeviceRemoval(NamedTuple):
    """A device to delete."""

    account_id: int
    device_id: int
