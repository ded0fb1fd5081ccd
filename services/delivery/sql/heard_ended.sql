update delivery_heard set ended_at = delivery_now()
where came_at > delivery_now() - 60000 and link = $1::text and ended_at is null
