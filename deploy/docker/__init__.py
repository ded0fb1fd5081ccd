"""The stack in containers, as `compose.yaml` describes it."""
