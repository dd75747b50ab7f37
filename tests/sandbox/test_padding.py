from collections.abc import Callable

import pytest

from sandbox import content, media, padding

MARK = media.Edition(0, b"0123456789abcdef")
FORMATS: dict[str, Callable[[int | None], content.Content]] = {
    "jpeg": lambda size: media.jpeg(MARK, 32, 32, size),
    "png": lambda size: media.png(MARK, 32, 32, size),
    "mp4": lambda size: media.mp4(MARK, 32, 32, 0.5, size),
    "wav": lambda size: media.wav(MARK, 0.5, size),
    "mp3": lambda size: media.mp3(MARK, 0.5, size),
    "svg": lambda size: padding.svg("<svg></svg>\n", size),
    "tar": lambda size: padding.after("application/x-tar", b"x" * 512, size),
}


@pytest.mark.parametrize("name", FORMATS)
def test_a_wanted_size_is_met_to_the_byte_and_costs_no_memory(name: str) -> None:
    for size in (60_000, 60_001, 50_000_000):
        file = FORMATS[name](size)
        assert file.size == size
        assert len(file.head) + len(file.tail) < 60_000


@pytest.mark.parametrize("name", FORMATS)
def test_a_wish_smaller_than_the_file_changes_nothing(name: str) -> None:
    assert FORMATS[name](1) == FORMATS[name](None)


def test_what_an_id3_tag_cannot_hold_is_not_tried() -> None:
    assert FORMATS["mp3"](300_000_000) == FORMATS["mp3"](None)
