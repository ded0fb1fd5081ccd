select name from search_generation order by created_at, name
