"""How often and how long each fault strikes: once and short in `make test`, as often as promised in `make reliability`.

`RELIABILITY_SEED` replays a run.
"""

import os

FULL = os.environ.get("RELIABILITY", "short") == "full"
SEED = int(os.environ.get("RELIABILITY_SEED", "20"))

WORKER_KILLS = 20 if FULL else 1
GATEWAY_KILLS = 10 if FULL else 1
ROLLOUTS = 20 if FULL else 1
BROKER_RESTARTS = 3 if FULL else 1
BROKER_KILLS = 3 if FULL else 1
POSTGRES_STOPS = 3 if FULL else 1
SEND_KILLS = 50 if FULL else 1
DELIVERY_KILLS = 100 if FULL else 2
DELIVERY_TEXTS = 10_000 if FULL else 600
SMPP_KILLS = 100 if FULL else 2
SMPP_TEXTS = 10_000 if FULL else 600
DUE_KILLS = 10 if FULL else 1
RECEIPTS = 10_000 if FULL else 600
DATABASE_AWAY_SECONDS = 60.0 if FULL else 5.0
MUTATED_PDUS = 100_000 if FULL else 4_000
RELAYED_EVENTS = 200_000 if FULL else 16_000
FAILPOINT_KILLS = 5 if FULL else 1
READERS = 100 if FULL else 25
CONVERSATION_MESSAGES = 1_000_000 if FULL else 20_000
STOPPED_SECONDS = 120.0 if FULL else 12.0
DARK_SECONDS = 30.0 if FULL else 8.0
SYNC_EXAMPLES = 1_000 if FULL else 12
SYNC_STEPS = 10_000 if FULL else 400
SYNC_WORKER_KILLS = 20 if FULL else 1
SYNC_INTERLEAVINGS = 1_000 if FULL else 40
SEARCH_OPERATIONS = 20_000 if FULL else 1_000
SEARCH_KILLS = 20 if FULL else 2
HELD_BACK_SECONDS = 90.0 if FULL else 6.0
INDEX_AWAY_SECONDS = 60.0 if FULL else 3.0
REBUILDS = 5 if FULL else 1
RATE_SECONDS = 20.0 if FULL else 4.0
FRESH_MESSAGES = 200 if FULL else 8
READ_ONLY_SECONDS = 10.0 if FULL else 3.0

# The goal is 15 s; a test on a shared machine allows five times that.
BACK_SECONDS = 75.0
