select at, reason from delivery_stop
