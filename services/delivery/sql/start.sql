delete from delivery_stop returning at
