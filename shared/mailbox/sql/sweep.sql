select done_sweep()
