select done_sweep($1)
