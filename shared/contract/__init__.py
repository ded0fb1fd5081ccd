"""The wire contract, declared once: every format, check, queue and document is derived from these declarations."""
