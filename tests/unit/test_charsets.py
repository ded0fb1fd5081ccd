"""The bytes of bodies to text."""

import pytest

from services.gateway.formats import charsets
from services.gateway.formats.charsets import UnknownCharset
from services.gateway.formats.format import Format

TEXT = "gr\u00fc\u00df"


@pytest.mark.parametrize(
    ("charset", "codec"),
    [
        (None, "utf-8"),
        (None, "utf-8-sig"),
        (None, "latin-1"),
        ("utf-8", "utf-8"),
        ("UTF8", "utf-8"),
        (" Utf-8 ", "utf-8-sig"),
        ("utf-8", "latin-1"),
        ("us-ascii", "latin-1"),
        ("ISO-8859-1", "latin-1"),
        ("latin1", "latin-1"),
        ("windows-1252", "cp1252"),
    ],
)
@pytest.mark.parametrize("form", Format)
def test_eight_bit_charsets_are_known_in_both_formats(charset: str | None, codec: str, form: Format) -> None:
    assert charsets.decode(TEXT.encode(codec), charset, form) == TEXT


def test_windows_1252_has_its_own_characters_and_falls_back() -> None:
    assert charsets.decode(b"\x80", "windows-1252", Format.JSON) == "\u20ac"
    assert charsets.decode(b"\x80\x81", "windows-1252", Format.JSON) == "\x80\x81"


@pytest.mark.parametrize("charset", ["utf-16", "utf-32", "koi8-r", "utf-7", "idna", "rot13", "zlib", "x" * 1000])
def test_other_charsets_of_json_are_unknown(charset: str) -> None:
    with pytest.raises(UnknownCharset):
        charsets.decode(b"{}", charset, Format.JSON)


@pytest.mark.parametrize("charset", ["utf-32", "koi8-r", "utf-7", "unicode_escape"])
def test_other_charsets_of_xml_are_unknown_wherever_they_are_named(charset: str) -> None:
    with pytest.raises(UnknownCharset):
        charsets.decode(b"<r/>", charset, Format.XML)
    with pytest.raises(UnknownCharset):
        charsets.decode(f'<?xml version="1.0" encoding="{charset}"?><r/>'.encode(), None, Format.XML)


@pytest.mark.parametrize("charset", [None, "utf-16", "UTF-16"])
@pytest.mark.parametrize("codec", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_of_xml_is_found_with_and_without_mark(charset: str | None, codec: str) -> None:
    text = f"<r>{TEXT}</r>"
    assert charsets.decode(text.encode(codec), charset, Format.XML) == text


def test_the_declaration_counts_only_where_the_content_type_is_silent() -> None:
    text = f"<?xml version='1.0' encoding = 'windows-1252' ?><r>{TEXT}\u20ac</r>"
    assert charsets.decode(text.encode("cp1252"), None, Format.XML) == text
    assert charsets.decode(text.encode(), "utf-8", Format.XML) == text


def test_a_declaration_that_can_be_read_by_bytes_is_not_utf_16() -> None:
    text = f'<?xml version="1.0" encoding="utf-16"?><r>{TEXT}</r>'
    assert charsets.decode(text.encode(), None, Format.XML) == text
