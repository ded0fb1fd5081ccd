"""Measures of SMPP links for Prometheus."""

import collections

from prometheus_client import Counter, Gauge

_BOUND = Gauge("usermessage_smpp_bound_links", "Links of this process that are bound", ["carrier"])
_LOST = Counter("usermessage_smpp_lost_links", "Links that ended or could not be made, by why", ["carrier", "why"])
_STRANGE = Counter("usermessage_smpp_strange_pdus", "PDUs of carriers that could not be understood", ["carrier"])
_LATE = Counter("usermessage_smpp_late_answers", "Answers to what nobody waited for any more", ["carrier"])
_UNANSWERED = Counter("usermessage_smpp_unanswered", "Requests that a carrier did not answer in time", ["carrier"])

# As many as there are of a carrier: while a file is read again one of a name goes and another comes.
_started: collections.Counter[str] = collections.Counter()


def started(carrier: str) -> None:
    """Tell of a carrier that binds: one that never does has no link, which an alert is to see."""
    _started[carrier] += 1
    _BOUND.labels(carrier)


def closed(carrier: str) -> None:
    """Tell no more of a carrier whose links have ended, or the alert would see it for ever."""
    _started[carrier] -= 1
    if not _started[carrier]:
        del _started[carrier]
        _BOUND.remove(carrier)


def bound(carrier: str, change: int) -> None:
    """Count a link that is bound, or is no more."""
    _BOUND.labels(carrier).inc(change)


def lost(carrier: str, why: str) -> None:
    """Count the end of a link."""
    _LOST.labels(carrier, why).inc()


def strange(carrier: str) -> None:
    """Count a PDU that nobody understands."""
    _STRANGE.labels(carrier).inc()


def late(carrier: str) -> None:
    """Count an answer that is too late."""
    _LATE.labels(carrier).inc()


def unanswered(carrier: str) -> None:
    """Count a request without an answer."""
    _UNANSWERED.labels(carrier).inc()
