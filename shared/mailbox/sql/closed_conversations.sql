select count(*) from conversation where closed
