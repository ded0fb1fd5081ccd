"""Start a delivery worker: `python -m services.delivery`."""

from services.delivery.app import ROLE, delivery
from shared.process import main

main(ROLE, delivery)
