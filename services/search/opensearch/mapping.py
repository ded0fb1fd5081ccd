"""The mapping: what an index holds of a message, and how it is kept."""

from typing import Any

# A beginning of up to so many characters is a word by itself; 8 instead of 5 cost an eighth more disk (169 and 192
# octets a message), and few phrases end with a longer one.
LONGEST_BEGINNING = 8
_ACCOUNT_DIGITS = 19


def account_key(account_id: int) -> str:
    """Return how an index writes an account: as texts, accounts have the order of their numbers."""
    return str(account_id).zfill(_ACCOUNT_DIGITS)


def new_index(write_alias: str) -> dict[str, Any]:
    """Return what an index is created with; documents are only ever written through the alias."""
    return {"settings": _SETTINGS, "mappings": _MAPPINGS, "aliases": {write_alias: {}}}


_SETTINGS = {
    "refresh_interval": "500ms",
    "auto_expand_replicas": "0-1",
    # What a node that was killed writes anew before it answers: of the usual 512 MB of long texts, for minutes.
    "translog.flush_threshold_size": "16mb",
    # How long it remembers the version of a deleted document, so that a late event does not bring it back.
    "gc_deletes": "1h",
    # The documents of an account lie together, in the order in which they are found.
    "sort.field": ["account", "date_sent", "message"],
    "sort.order": ["asc", "desc", "desc"],
}

_MAPPINGS = {
    "dynamic": False,
    "_source": {"enabled": False},
    "properties": {
        "account": {"type": "keyword"},
        "message": {"type": "integer"},
        "date_sent": {"type": "long", "index": False},
        "address": {"type": "keyword", "doc_values": False},
        "locked": {"type": "boolean", "doc_values": False},
        "text": {
            "type": "text",
            "analyzer": "whitespace",
            "norms": False,
            "index_prefixes": {"min_chars": 1, "max_chars": LONGEST_BEGINNING},
        },
    },
}
