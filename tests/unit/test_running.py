"""What makes two requests with one key the same."""

from shared.bus.running import _key
from shared.contract.messages import UserMessageInsertRequest, UserMessageUpdateRequest


def test_what_is_left_out_and_what_is_sent_as_the_default_is_the_same_request() -> None:
    short = UserMessageInsertRequest(address="a", message="m")
    long = UserMessageInsertRequest(address="a", message="m", read=False, origin=0, incoming=True)
    other = UserMessageInsertRequest(address="a", message="m", read=True)
    assert _key("k", short) == _key("k", long) != _key("k", other)


def test_an_absent_flag_is_another_request_than_false() -> None:
    assert _key("k", UserMessageUpdateRequest(1)) != _key("k", UserMessageUpdateRequest(1, read=False))
    assert _key(None, UserMessageUpdateRequest(1)) is None
