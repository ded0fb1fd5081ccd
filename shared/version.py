"""The version of this code, as in `pyproject.toml`."""

VERSION = "0.4.0"
