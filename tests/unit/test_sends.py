"""Sends are cut into parts by the length of their texts."""

from shared.mailbox.sends import Sized, parts


def test_a_part_holds_so_many_octets_and_a_longer_one_stands_alone() -> None:
    messages = [Sized(1, number, octets) for number, octets in enumerate((4, 6, 1, 25, 0, 10, 10))]
    found = [[message.octets for message in part] for part in parts(messages, 10)]
    assert found == [[4, 6], [1], [25], [0, 10], [10]]
    assert list(parts([], 10)) == []
