"""Start a messages worker: `python -m services.messages`."""

from services.messages.app import ROLE, messages
from shared.process import main

main(ROLE, messages)
