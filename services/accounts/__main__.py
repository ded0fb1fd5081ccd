"""Start an accounts worker: `python -m services.accounts`."""

from services.accounts.app import ROLE, accounts
from shared.process import main

main(ROLE, accounts)
