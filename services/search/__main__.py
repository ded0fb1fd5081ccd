"""Start a search worker: `python -m services.search`."""

from services.search.app import ROLE, search
from shared.process import main

main(ROLE, search)
