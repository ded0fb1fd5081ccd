"""Start a conversations worker: `python -m services.conversations`."""

from services.conversations.app import ROLE, conversations
from shared.process import main

main(ROLE, conversations)
