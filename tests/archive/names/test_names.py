"""Names from hostile texts: whatever comes in, what comes out is one name that every file system takes."""

import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pathvalidate import is_valid_filename

from archive import names
from archive.media import signatures


@given(st.text(st.characters()), st.integers(min_value=24, max_value=names.LONGEST))
def test_whatever_the_text_the_name_is_one_that_every_file_system_takes(text: str, at_most: int) -> None:
    for name in (names.safe(text, at_most=at_most), names.distinct(text, at_most=at_most)):
        assert is_valid_filename(name, platform="universal", max_len=255), name
        assert 0 < len(name.encode()) <= at_most
        assert name.isprintable()
        assert not name.startswith((".", "-", " "))
        assert not name.endswith((".", " "))
        assert Path("/x", name).parent == Path("/x")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("cat.png", "cat.png"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ("C:\\Windows\\x", "C_Windows_x"),
        ("con.png", "con_.png"),
        ("COM¹", "COM¹_"),
        ("CONIN$", "CONIN$_"),
        ("a\u202egnp.exe", "a_gnp.exe"),
        ("a\x1b[31m\nb", "a_[31m_b"),
        ("trailing. . ", "trailing"),
        ("-rf", "_rf"),
        ("", "_"),
        ("..", "_"),
        ("\ud800", "_"),
        ("cafe\u0301", "café"),
    ],
)
def test_a_name_is_as_near_to_its_text_as_can_be(text: str, name: str) -> None:
    assert names.safe(text) == name


def test_what_is_too_long_keeps_its_ending() -> None:
    name = names.safe("é" * 300 + ".safetensors", at_most=100)
    assert name.endswith("é.safetensors")
    assert len(name.encode()) <= 100


@given(st.text(st.characters(), max_size=300), st.text(st.characters(), max_size=300))
def test_two_texts_that_identify_something_never_share_a_name(one: str, other: str) -> None:
    assert (names.distinct(one) == names.distinct(other)) == (one == other)


def test_an_identifier_that_is_a_good_name_stays_as_it_is() -> None:
    for workflow_id in ("wf_01HX6Y2Q9C0D1E2F3G4H5J6K", "8484131-20260121222126332", "0-019be44b-181e-7a7e"):
        assert names.distinct(workflow_id) == workflow_id


@pytest.mark.parametrize(
    ("text", "at_most", "slug"),
    [
        ("A red fox, in the SNOW!", 60, "a_red_fox_in_the_snow"),
        ("A red fox, in the snow", 12, "a_red_fox"),
        ("unbrokenandlong", 8, "unbroken"),
        ("हिन्दी में", 60, "हिन्दी_में"),
        ("夜の街🌃", 60, "夜の街"),
        ("夜の街", 7, "夜の"),
        ("!!! \x00 …", 60, ""),
    ],
)
def test_a_slug_is_the_first_words_of_a_text(text: str, at_most: int, slug: str) -> None:
    assert names.slug(text, at_most=at_most) == slug


@given(st.text(st.characters()))
def test_a_slug_holds_letters_digits_and_underscores_alone(text: str) -> None:
    slug = names.slug(text, at_most=40)
    assert len(slug.encode()) <= 40
    assert all(each.isalnum() or each == "_" or unicodedata.category(each).startswith("M") for each in slug)


def test_every_kind_of_file_that_we_recognise_has_an_extension() -> None:
    recognised = {*signatures._NAMES.values(), *signatures._BRANDS.values(), *dict(signatures._PLAIN).values()}
    unknown = [each for each in recognised if names.extension(each) == names.UNKNOWN_EXTENSION]
    assert not unknown


def test_a_media_type_that_is_only_claimed_brings_no_extension_of_its_own() -> None:
    for claimed in (None, "", "application/x-msdownload", "image/png; charset=../../x", "text/x-python"):
        assert names.extension(claimed) == "bin"


@given(
    st.text("aZ0_. -:", max_size=30) | st.sampled_from(["con", "CON.txt", "0con", "nul.tar.gz", "conout$", "lpt1 x"])
)
def test_the_short_way_for_plain_names_gives_what_the_long_way_does(text: str) -> None:
    assert names.safe(text) == names._made_safe(text, names.LONGEST)
