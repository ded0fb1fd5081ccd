"""Start a gateway: `python -m services.gateway`."""

from services.gateway.app import gateway
from shared.process import main

main("gateway", gateway)
