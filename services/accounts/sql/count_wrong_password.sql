select count_wrong_password($1)
