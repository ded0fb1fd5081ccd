"""Reading trees into shapes, and the checks that need no worker."""

from typing import Any

import pytest

from shared.contract import accounts, conversations, messages, search, sms, sync
from shared.contract.operation import AnyOperation
from shared.contract.reading import read_json, read_xml, violation
from shared.contract.scalars import Unreadable

Insert = messages.UserMessageInsertRequest
Sync = sync.UserMessageSyncRequest
DeleteList = messages.UserMessageDeleteListRequest


def test_absent_null_and_unknown_keys_leave_the_defaults() -> None:
    assert read_json(Insert, {"read": None, "unknown": [None]}) == Insert()
    assert Insert().incoming is True
    assert read_json(Insert, {"incoming": "", "dateSent": ""}) == Insert()


def test_lists_and_nested_shapes() -> None:
    tree = {"deviceId": 1, "syncs": [{"operation": "1", "address": " a "}, {}], "syncAcks": []}
    expected = Sync(1, (sync.UserMessageSync(operation=1, address="a"), sync.UserMessageSync()))
    assert read_json(Sync, tree) == expected
    nodes: Any = {"deviceId": ["1"], "syncs": [{"operation": ["1"], "address": [" a "], "u x": [{}]}, " "]}
    assert read_xml(Sync, nodes) == expected


@pytest.mark.parametrize(
    ("cls", "tree"),
    [
        (DeleteList, {"messageIds": 1}),
        (DeleteList, {"messageIds": {}}),
        (DeleteList, {"messageIds": [1, None]}),
        (DeleteList, {"messageIds": [[1]]}),
        (Insert, {"address": ["a"]}),
        (Insert, {"message": {}}),
        (Sync, {"syncs": [None]}),
        (Sync, {"syncs": [1]}),
        (Sync, {"syncs": {}}),
        (Sync, {"syncs": [{"address": []}]}),
    ],
)
def test_json_of_another_structure_is_unreadable(cls: type[Any], tree: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        read_json(cls, tree)


@pytest.mark.parametrize(
    ("cls", "tree"),
    [
        (Insert, {"address": ["a", "a"]}),
        (Insert, {"address": [{"x": ["a"]}]}),
        (DeleteList, {"messageIds": ["1", {"x": [""]}]}),
        (Sync, {"syncs": ["text"]}),
        (Sync, {"syncs": [{"operation": ["1", "1"]}]}),
    ],
)
def test_xml_of_another_structure_is_unreadable(cls: type[Any], tree: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        read_xml(cls, tree)


ENTRY = {"operation": 1, "deviceMessageId": 1, "address": "a"}


@pytest.mark.parametrize(
    ("operation", "tree", "fault"),
    [
        (messages.INSERT, {"address": "a", "message": " "}, None),
        (messages.INSERT, {"message": "m"}, 2),
        (messages.INSERT, {"address": " ", "message": "m"}, 2),
        (messages.INSERT, {"address": "a", "message": ""}, 2),
        (messages.INSERT, {"address": "a" * 256, "message": "m"}, 2),
        (messages.INSERT, {"address": "a", "message": "\0"}, 2),
        (messages.GET_BY_CONVERSATION, {"address": "a" * 256}, None),
        (messages.GET_BY_CONVERSATION, {"address": "a", "offset": -1}, 2),
        (messages.GET_BY_CONVERSATION, {"address": "a", "limit": -1}, 2),
        (messages.DELETE, {"messageId": 0}, 2),
        (messages.DELETE, {"messageId": -1}, None),
        (messages.DELETE_LIST, {"messageIds": []}, 2),
        (messages.DELETE_LIST, {"messageIds": [0]}, None),
        (messages.DELETE_LIST, {"messageIds": [1] * 1000}, None),
        (messages.DELETE_LIST, {"messageIds": [1] * 1001}, 2),
        (messages.SEND, {"recipient": 10**15 - 1, "message": "m"}, None),
        (messages.SEND, {"recipient": 10**15, "message": "m"}, 2),
        (messages.SEND, {"recipient": -1, "message": "m"}, 2),
        (messages.SEND, {"recipient": 1, "message": "m", "dateSendOn": "9999-01-01"}, 2),
        (messages.SEND, {"recipient": 1, "message": "m", "dateSendOn": "0001-01-01"}, None),
        (conversations.DELETE_LIST, {"addresses": [""]}, None),
        (conversations.DELETE_LIST, {"addresses": ["\0"]}, 2),
        (accounts.LOGIN, {"msisdn": 1, "password": "p", "key": "k" * 64}, None),
        (accounts.LOGIN, {"msisdn": 1, "password": "p", "key": "k" * 65}, 2),
        (search.SEARCH, {}, 2),
        (search.SEARCH, {"query": " "}, 2),
        (search.SEARCH, {"locked": True}, None),
        (search.SEARCH, {"query": "q" * 8193}, 2),
        (sms.SEND, {"recipients": ["+43 699 000"], "message": "m"}, None),
        (sms.SEND, {"recipients": ["x"], "message": "m"}, 200),
        (sms.SEND, {"recipients": ["x"], "message": ""}, 2),
        (sms.SEND, {"recipients": ["123"] * 51, "message": "m"}, 200),
        (sms.SEND, {"recipients": ["123"], "message": "m", "encoding": 3}, 2),
        (sync.SYNC, {"deviceId": 1, "syncs": [ENTRY]}, None),
        (sync.SYNC, {"syncs": [ENTRY]}, 2),
        (sync.SYNC, {"deviceId": 1, "syncs": [{**ENTRY, "message": "\0"}]}, 2),
        (sync.SYNC, {"deviceId": 1, "syncs": [{**ENTRY, "operation": 3}]}, 2),
        (sync.SYNC, {"deviceId": 1, "syncs": [{**ENTRY, "status": 4}]}, 2),
        (sync.SYNC, {"deviceId": 1, "syncs": [{**ENTRY, "address": ""}]}, 2),
        (sync.SYNC, {"deviceId": 1, "syncs": [{"operation": 2}]}, 2),
    ],
)
def test_violations(operation: AnyOperation, tree: dict[str, Any], fault: int | None) -> None:
    request = read_json(operation.request, tree)
    assert violation(operation, request) == fault


def test_a_list_is_read_only_so_far_that_its_excess_is_known() -> None:
    entry = {"operation": 1, "deviceMessageId": 1, "address": "a"}
    request = read_json(Sync, {"deviceId": 1, "syncs": [entry] * 300_000})
    assert len(request.syncs) == sync.ENTRY_LIMIT + 1
    assert violation(sync.SYNC, request) == 2
    fits = read_json(Sync, {"deviceId": 1, "syncs": [entry] * sync.ENTRY_LIMIT})
    assert violation(sync.SYNC, fits) is None
