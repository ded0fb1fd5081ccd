"""The contract's cases of search, by the words and the queries alone: what every backend must give, in seconds."""

import json
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

import tests.contract.matching
from services.search.analysis import words
from services.search.matching import matches
from services.search.query import parse
from shared.contract.messages import INSERT
from shared.contract.reading import read_json, violation
from shared.contract.search import SEARCH, UserMessageSearchRequest
from tests.contract.case_formats import Tree
from tests.contract.matching import Names

_CASES = Path(tests.contract.matching.__file__).parent / "cases" / "message.search.json"
_OPERATIONS = {each.name: each for each in (INSERT, SEARCH)}
_DEFAULTS: Tree = {"incoming": True, "read": False, "locked": False, "origin": 0, "status": 0, "dateStatus": None}
_PAGE, _MOST = 100, 1_000


class Mailbox:
    """An account's messages, searched one by one."""

    def __init__(self) -> None:
        self._messages: list[tuple[Tree, list[str]]] = []

    def answer(self, name: str, tree: Tree) -> Tree:
        operation = _OPERATIONS[name]
        request = read_json(operation.request, tree)
        fault = violation(operation, request)
        if fault:
            return {"errorCode": fault.value}
        if isinstance(request, UserMessageSearchRequest):
            return {"errorCode": 0, "messages": self._found(request)}
        return {"errorCode": 0, "messageId": self._insert(tree)}

    def _insert(self, tree: Tree) -> int:
        number, now = len(self._messages) + 1, time.time_ns() // 1_000_000
        message = {"messageId": number, "dateSent": now, **_DEFAULTS, **tree, "address": tree["address"].strip()}
        self._messages.append((message, words(tree["message"])))
        return number

    def _found(self, request: UserMessageSearchRequest) -> list[Tree]:
        query, is_all = parse(request.query), request.locked and not request.query.strip()
        found = [
            message
            for message, its_words in self._messages
            if (is_all or matches(query, its_words))
            and request.address in (None, message["address"])
            and (message["locked"] or not request.locked)
        ]
        found.sort(key=lambda each: (each["dateSent"], each["messageId"]), reverse=True)
        return found[: min(request.limit or _PAGE, _MOST)]


def _cases() -> list[Any]:
    cases = json.loads(_CASES.read_text())
    plain = [each for each in cases if {step["operation"] for step in each["steps"]} <= _OPERATIONS.keys()]
    return [pytest.param(each, id=each["label"]) for each in plain]


@pytest.mark.parametrize("case", _cases())
def test_case(case: Tree) -> None:
    mailboxes: defaultdict[str, Mailbox] = defaultdict(Mailbox)
    names = Names({})
    for step in case["steps"]:
        for _ in range(step.get("times", 1)):
            mailbox = mailboxes[step.get("account", "own")]
            names.match(step["expect"], mailbox.answer(step["operation"], names.filled(step["request"])), step)


def test_what_must_not_be_found_is_asked_when_it_could_be() -> None:
    for case in json.loads(_CASES.read_text()):
        is_stored = False
        for step in case["steps"]:
            is_stored = (is_stored or step["operation"] == "message.insert") and not step.get("eventually")
            if is_stored and step["operation"] == "message.search":
                pytest.fail(f"{case['label']}: {step} does not wait for what was stored before")
