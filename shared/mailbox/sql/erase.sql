select mailbox_erase($1)
