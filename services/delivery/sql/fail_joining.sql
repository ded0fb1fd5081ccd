update delivery_joining set failures = failures + 1 where id = $1::bigint returning failures
