insert into search_generation (name) values ($1)
