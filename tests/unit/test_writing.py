"""Shapes to plain trees."""

from shared.contract.conversations import UserMessageReadConversationResponse
from shared.contract.messages import UserMessageGetMessagesResponse, UserMessageInsertResponse, UserMessageMessage
from shared.contract.sync import UserMessageSync
from shared.contract.writing import reply_tree, to_tree

MESSAGE = UserMessageMessage(1, "a", "m", True, False, False, 0, 1, 5, None)


def test_a_message_has_exactly_its_ten_keys_and_a_null() -> None:
    expected = {
        "messageId": 1,
        "address": "a",
        "message": "m",
        "incoming": True,
        "read": False,
        "locked": False,
        "origin": 0,
        "status": 1,
        "dateSent": 5,
        "dateStatus": None,
    }
    tree = reply_tree(UserMessageGetMessagesResponse((MESSAGE,)))
    assert tree == {"errorCode": 0, "messages": [expected]}
    assert list(tree["messages"][0]) == list(expected)


def test_empty_replies_and_lists() -> None:
    assert reply_tree(UserMessageReadConversationResponse()) == {"errorCode": 0}
    assert reply_tree(UserMessageInsertResponse(7)) == {"errorCode": 0, "messageId": 7}
    assert to_tree(UserMessageGetMessagesResponse()) == {"messages": []}


def test_absent_optional_keys_are_left_out() -> None:
    assert to_tree(UserMessageSync(2, 3, 4)) == {"operation": 2, "messageId": 3, "deviceMessageId": 4}
    assert to_tree(UserMessageSync(read=False))["read"] is False
