"""What can go wrong between a phone and the server, step by step."""

from tests.reliability.device import Fate
from tests.reliability.sync_steps import Step

SYNC = Step(kind="phone.sync")
LOST = Step(kind="phone.sync", fate=Fate.ANSWER_LOST)
AGAIN = Step(kind="phone.sync", again=True)
LATE = Step(kind="phone.sync", fate=Fate.LATE)
ARRIVES = Step(kind="late calls arrive")
DIES = Step(kind="phone.sync", fate=Fate.DIES_APPLIED)
STORED = Step(kind="api.insert", read=False)
ELSEWHERE = Step(kind="api.insert", address=1)
MADE_READ = Step(kind="api.update", read=True)
LOCKED_HERE = Step(kind="phone.flags", locked=True)
DELETED = Step(kind="api.delete")
TOMBSTONES = Step(kind="tombstones")
ASKS = Step(kind="phone.asks")
ANEW = Step(kind="phone.anew", again=True)
MADE_HERE = Step(kind="phone.insert", read=False)

# Phones are equal after it only because they wait before they call again.
OVERTAKEN = "a late call that is overtaken"
SCENARIOS = {
    "a change in a lost answer": [STORED, SYNC, MADE_READ, LOST, AGAIN],
    "a change in a lost answer, told anew": [STORED, SYNC, MADE_READ, LOST, MADE_HERE, SYNC],
    "a delete in a lost answer": [STORED, SYNC, DELETED, LOST, AGAIN],
    "a change over one that was not known": [STORED, SYNC, SYNC, MADE_READ, LOCKED_HERE, SYNC],
    "a change over one that was taken over, but not acked": [STORED, SYNC, MADE_READ, DIES, LOCKED_HERE, SYNC],
    "an insert whose answer is lost, changed before the repeat": [MADE_HERE, LOST, MADE_READ, AGAIN],
    "an insert whose answer is lost, deleted before the repeat": [MADE_HERE, LOST, DELETED, AGAIN],
    "deleted here before its insert is acked": [STORED, DIES, Step(kind="phone.delete"), SYNC],
    "inserted, changed and deleted here in one call": [MADE_HERE, LOCKED_HERE, Step(kind="phone.delete"), SYNC],
    "changed here and deleted there": [STORED, SYNC, LOCKED_HERE, DELETED, SYNC],
    "a change in an answer that comes too late": [STORED, SYNC, MADE_READ, LATE, ARRIVES, AGAIN],
    "a change between a late call and its repeat": [STORED, SYNC, LATE, ARRIVES, MADE_READ, AGAIN],
    "an insert in a late call, changed and told anew": [MADE_HERE, LATE, LOCKED_HERE, ARRIVES, MADE_READ, SYNC],
    OVERTAKEN: [STORED, LATE, SYNC, MADE_READ, ARRIVES, SYNC],
    "history on a new device": [STORED, ELSEWHERE, STORED, ANEW, SYNC, MADE_READ, SYNC],
    "history whose answer is lost, asked for anew": [STORED, STORED, ANEW, LOST, MADE_READ, SYNC],
    "history over what the phone has": [STORED, STORED, SYNC, SYNC, MADE_READ, ASKS, SYNC, MADE_READ, SYNC],
    "a delete that its history drops": [STORED, SYNC, SYNC, DELETED, LOST, ASKS, SYNC],
    "a delete acked, and its tombstone removed": [STORED, SYNC, DELETED, SYNC, SYNC, TOMBSTONES, SYNC],
    "written here while a repeated call is answered": [STORED, SYNC, MADE_READ, LOST, LOCKED_HERE, AGAIN],
}
