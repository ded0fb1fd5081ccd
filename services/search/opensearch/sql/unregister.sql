delete from search_generation where name <> all ($1::text[])
