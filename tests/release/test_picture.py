from pathlib import Path

from release import picture

PICTURE = Path(__file__).parents[2] / "docs" / "demo.svg"
UP = "\x1b[1A\x1b[2K"


def test_a_table_that_was_drawn_twice_is_shown_once_without_the_lines_for_this_machine() -> None:
    written = (
        f"Starting\n\x1b[?25lone\n\nnone yet\r\x1b[2K{UP}{UP}one, done\n\nall\x1b[?25h\nTo ask the database, run /x"
    )
    assert picture.last_screen(written) == "Starting\none, done\n\nall\n"
    assert picture.last_screen("a pipe's\n") == "a pipe's\n"


def test_the_committed_picture_shows_a_demo_that_went_well_and_no_place_of_its_machine() -> None:
    shown = PICTURE.read_text().replace("&#160;", " ")
    assert "12 of 12 workflows archived" in shown
    assert "To ask" not in shown
    assert "url(http" not in shown.replace('"', "")
    assert picture.SHOWN_HOME in shown
