"""Files of contacts: vCard of every version, Google's and Outlook's tables, plain ones, and their characters."""

from pathlib import Path

import pytest

from services.accounts.contact_book import Entry
from services.accounts.contact_files import entries_of
from shared.command_line import CommandFailed

ONE, TWO, THREE = "+436990000001", "+436990000002", "+436990000003"

OLD_CARDS = """BEGIN:VCARD
VERSION:2.1
N;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:M=C3=BCller;J=C3=B6rg
FN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:J=C3=B6rg =
M=C3=BCller
TEL;HOME;VOICE:+436990000001
TEL;CELL:+436990000002
PHOTO;ENCODING=BASE64;JPEG:not base64 at all
 and more of it

END:VCARD
begin:vcard
version:2.1
n;encoding=quoted-printable;charset=iso-8859-1:M=FCller;Max
tel;encoding=8bit;cell:+436990000003
end:vcard
"""
CARDS = """BEGIN:VCARD
VERSION:3.0
FN:Anna
  Bell\\, Dr.
item1.TEL;TYPE=FAX:+436990000001
item2.TEL;TYPE="cell,voice";PREF=1:+436990000002
TEL:
END:VCARD
BEGIN:VCARD
VERSION:4.0
FN:
N:;;;;
ORG:Fake Shop;Sales
TEL;VALUE=uri;TYPE=voice:tel:+43-699-0000003
END:VCARD
BEGIN:VCARD
VERSION:3.0
FN:No number
EMAIL:someone@example.org
END:VCARD
"""
GOOGLE = """First Name,Middle Name,Last Name,Organization Name,E-mail 1 - Value,Phone 1 - Label,Phone 1 - Value,\
Phone 2 - Label,Phone 2 - Value
Anna,,Bell,Fake Shop,a@example.org,Home,+436990000001 ::: +436990000002,* Mobile,+436990000003
,,,Fake Shop,,,+436990000001,,
"""
GOOGLE_BEFORE = """Name,Given Name,Family Name,Notes,Phone 1 - Type,Phone 1 - Value
Anna Bell,Anna,Bell,"two
lines",Mobile,+436990000001
"""
OUTLOOK = """Title;First Name;Middle Name;Last Name;Company;Home Fax;Home Phone;Mobile Phone
Dr.;Anna;B.;Bell;Fake Shop;+436990000003;+436990000001;+436990000002

;;;;Fake Shop;;;+436990000001
"""


def read(folder: Path, content: str | bytes) -> list[Entry]:
    path = folder / "contacts"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return list(entries_of(path))


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_cards_of_version_2(tmp_path: Path, line_end: str) -> None:
    assert read(tmp_path, OLD_CARDS.replace("\n", line_end)) == [
        Entry("card 1", "J\u00f6rg M\u00fcller", (TWO, ONE)),
        Entry("card 2", " Max  M\u00fcller ", (THREE,)),
    ]


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_cards_of_versions_3_and_4(tmp_path: Path, line_end: str) -> None:
    assert read(tmp_path, CARDS.replace("\n", line_end)) == [
        Entry("card 1", "Anna Bell, Dr.", (TWO, ONE)),
        Entry("card 2", "Fake Shop, Sales", ("tel:+43-699-0000003",)),
        Entry("card 3", "No number", ()),
    ]


def test_googles_tables(tmp_path: Path) -> None:
    assert read(tmp_path, GOOGLE) == [
        Entry("line 2", "Anna  Bell", (THREE, ONE, TWO)),
        Entry("line 3", "Fake Shop", (ONE,)),
    ]
    assert read(tmp_path, GOOGLE_BEFORE) == [Entry("line 3", "Anna Bell", (ONE,))]


def test_outlooks_tables(tmp_path: Path) -> None:
    assert read(tmp_path, OUTLOOK) == [
        Entry("line 2", "Anna B. Bell", (TWO, ONE, THREE)),
        Entry("line 4", "Fake Shop", (ONE,)),
    ]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_plain_tables(tmp_path: Path, delimiter: str) -> None:
    text = f"Number{delimiter}Name{delimiter}\n{ONE}{delimiter}Anna{delimiter}{delimiter}\n{TWO}\n"
    assert read(tmp_path, text) == [Entry("line 2", "Anna", (ONE,)), Entry("line 3", "", (TWO,))]


@pytest.mark.parametrize("charset", ["utf-8", "utf-8-sig", "utf-16", "windows-1252"])
def test_characters(tmp_path: Path, charset: str) -> None:
    text = f"name,number\nJ\u00f6rg,{ONE}\n"
    assert read(tmp_path, text.encode(charset)) == [Entry("line 2", "J\u00f6rg", (ONE,))]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("", "neither a vCard"),
        ("name,mail\nAnna,a@example.org\n", "neither a vCard"),
        (f"name,number\nAnna,{ONE}\nBob,{TWO},more\n", "line 3: more cells"),
        (f'name,number\nAnna,{ONE}\n"Bob,{TWO}\n', "line 3: "),
        (f'name,number\n"Anna"x,{ONE}\n', "line 2: "),
        (CARDS + "BEGIN:VCARD\nthis is none\nEND:VCARD\n", "card 4 cannot be read"),
        (CARDS + "BEGIN:VCARD\nFN:not closed\n", "card 4 cannot be read"),
        (CARDS + "FN:outside\n", "card 4: text that is no vCard"),
        ("BEGIN:VCARD\nN;ENCODING=QUOTED-PRINTABLE;CHARSET=KLINGON:=FF\nEND:VCARD\n", "card 1 cannot be read"),
        ("BEGIN:VCARD\nN;ENCODING=QUOTED-PRINTABLE:=FF\nEND:VCARD\n", "card 1 cannot be read"),
        (b"name,number\n\x81\x8d\n", "neither UTF-8"),
        (b"\xff\xfea", "neither UTF-8"),
    ],
)
def test_a_file_that_cannot_be_read_says_where(tmp_path: Path, content: str | bytes, complaint: str) -> None:
    with pytest.raises(CommandFailed, match=complaint) as failed:
        read(tmp_path, content)
    assert "436990000" not in str(failed.value)


def test_a_file_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match="No such file"):
        list(entries_of(tmp_path / "none"))
