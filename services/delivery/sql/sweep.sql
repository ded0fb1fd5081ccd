select jobs, receipts, strangers
from delivery_sweep(delivery_now() - $1::bigint, delivery_now() - $2::bigint, $3::integer)
