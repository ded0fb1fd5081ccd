"""What becomes of the entries of a file, and the limits that keep the answer which lists them sendable."""

import orjson
import pytest

from services.accounts.contact_book import CONTACTS, NAME_CHARACTERS, NUMBERS, Contact, Entry, contact_book
from services.gateway.formats import xml_writing
from shared.command_line import CommandFailed
from shared.contract.accounts import GET_CONTACTS, UserContact, UserContactGetContactsResponse
from shared.contract.shape import shape_of
from shared.contract.writing import reply_tree

ONE, TWO = "+436990000001", "+436990000002"
SENDABLE = 16 * 1024 * 1024


def test_numbers_are_read_in_their_order_and_once() -> None:
    book = contact_book([Entry("line 1", "Anna", (TWO, "0699 0000001", "+43 699 0000002"))], "AT")
    assert book.contacts == [Contact("Anna", (TWO, ONE))]


def test_what_has_no_usable_number_is_skipped_counted_and_named() -> None:
    entries = [Entry("card 1", "Anna", ()), Entry("card 2", "Bob", ("n/a",)), Entry("card 3", "Cy", ("*100#", ONE))]
    book = contact_book(entries, None)
    assert book.contacts == [Contact("Cy", (ONE,))]
    assert (book.entries_skipped, book.numbers_skipped) == (2, ["card 2", "card 3"])


def test_names_are_one_line_without_control_characters_and_never_empty() -> None:
    names = [" Anna \r\n Bell\0 ", "\U0001f469\u200d\U0001f52c", "\t"]
    book = contact_book([Entry("line 1", name, (ONE,)) for name in names], None)
    assert [each.name for each in book.contacts] == ["Anna Bell", names[1], ONE]


def test_the_same_contact_twice_is_one() -> None:
    entries = [Entry("line 1", "Anna", (ONE,)), Entry("line 2", "Anna", (TWO,)), Entry("line 3", "Anna", (ONE,))]
    assert contact_book(entries, None).contacts == [Contact("Anna", (ONE,)), Contact("Anna", (TWO,))]


@pytest.mark.parametrize(
    ("entry", "complaint"),
    [
        (Entry("card 7", "n" * (NAME_CHARACTERS + 1), (ONE,)), "card 7: a name of more than 255"),
        (Entry("card 7", "n", tuple(f"+4369900000{place:02}" for place in range(NUMBERS + 1))), "card 7: more than 10"),
        (Entry("card 7", "n", ("0699 0000001",)), "card 7: a number without country code"),
    ],
)
def test_what_cannot_be_stored_is_named(entry: Entry, complaint: str) -> None:
    with pytest.raises(CommandFailed, match=complaint):
        contact_book([entry], None)


def test_more_contacts_than_an_answer_holds_are_refused() -> None:
    entries = [Entry(f"line {place}", f"n{place}", (ONE,)) for place in range(CONTACTS + 1)]
    assert len(contact_book(entries[:-1], None).contacts) == CONTACTS
    with pytest.raises(CommandFailed, match=f"line {CONTACTS}: more than 10000 contacts"):
        contact_book(entries, None)


@pytest.mark.parametrize("character", ["&", "\U0001f600", '"', "\\"])
def test_the_largest_contacts_fit_into_an_answer(character: str) -> None:
    largest = UserContact(character * NAME_CHARACTERS, ("+" + "9" * 15,) * NUMBERS)
    sizes = []
    for count in (1, 2):
        tree = reply_tree(UserContactGetContactsResponse((largest,) * count))
        xml = xml_writing.write(shape_of(GET_CONTACTS.reply).element, GET_CONTACTS.reply, tree)
        sizes.append((len(orjson.dumps(tree)), len(xml)))
    for one, two in zip(*sizes, strict=True):
        assert one + (CONTACTS - 1) * (two - one) < SENDABLE
