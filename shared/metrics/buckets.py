"""Buckets of histograms, few of them: each is a series for every label."""

# From an answer out of memory to the longest budget of a call.
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
# Of waits that should not be there, and of what may last until somebody looks after it.
LONG_SECONDS = (*SECONDS, 30.0, 300.0)
SIZES = (1, 2, 4, 8, 16, 32, 64)
OCTETS = (256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304)
