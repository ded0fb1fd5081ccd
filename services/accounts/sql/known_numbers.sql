select msisdn from account where msisdn = any ($1::text[])
