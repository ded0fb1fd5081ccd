update delivery_heard set answered_at = delivery_now() - $4::bigint, is_refused = $5::boolean
where carrier = $1::text and said = $2::text and inbound_id = $3::text
