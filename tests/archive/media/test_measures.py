import contextlib
import io
import struct
import time
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archive.media import measures
from tests.archive import samples
from tests.archive.samples import Sample

MANY = settings(max_examples=200, deadline=None)


def box(kind: bytes, content: bytes = b"", *, size: int | None = None) -> bytes:
    return struct.pack(">I4s", 8 + len(content) if size is None else size, kind) + content


def track(width: float, height: float) -> bytes:
    return box(b"trak", box(b"tkhd", bytes(76) + struct.pack(">II", int(width * 65536), int(height * 65536))))


@pytest.mark.parametrize("sample", samples.all_samples(), ids=lambda sample: sample.name)
def test_every_file_is_as_large_and_as_long_as_it_was_made(sample: Sample) -> None:
    file = io.BytesIO(sample.bytes)
    assert measures.dimensions(file, sample.media_type) == sample.dimensions
    duration = measures.duration(file, sample.media_type)
    assert duration == (None if sample.duration is None else pytest.approx(sample.duration, abs=0.1))


@pytest.mark.parametrize(
    ("film", "size"),
    [
        (box(b"ftyp") + box(b"moov", box(b"mvhd", bytes(100)) + track(0, 0) + track(640, 480.5)), (640, 480)),
        (box(b"ftyp") + struct.pack(">I4sQ", 1, b"mdat", 32) + bytes(16) + box(b"moov", track(64, 48)), (64, 48)),
        (box(b"ftyp") + box(b"moov", track(64, 48), size=0), (64, 48)),
        (box(b"moov", track(64, 48), size=9999), None),
        (box(b"moov", track(64, 48), size=4), None),
        (box(b"moov", box(b"trak", box(b"tkhd"))), None),
        (struct.pack(">I4sQ", 1, b"moov", 2**63), None),
        (box(b"free") * 2 * measures.BOXES_AT_MOST + box(b"moov", track(64, 48)), None),
        (b"", None),
        (b"\0\0\0", None),
    ],
)
def test_a_film_is_as_large_as_its_first_track_that_says_so(film: bytes, size: tuple[int, int] | None) -> None:
    assert measures.dimensions(io.BytesIO(film), "video/mp4") == size


def test_what_is_neither_seen_nor_heard_has_no_measures() -> None:
    assert measures.dimensions(io.BytesIO(b"anything"), "model/obj") is None
    assert measures.duration(io.BytesIO(b"anything"), "image/png") is None


@MANY
@given(st.sampled_from(samples.all_samples()), st.floats(0, 1), st.binary(min_size=1, max_size=16), st.floats(0.1, 1))
def test_no_broken_file_takes_long(sample: Sample, where: float, what: bytes, cut: float) -> None:
    broken = sample.bytes[: int(len(sample.bytes) * cut)]
    at = int(len(broken) * where**4)  # mostly near the beginning, where the structure is
    file = io.BytesIO(broken[:at] + what + broken[at + len(what) :])
    began = time.monotonic()
    for measure in (measures.dimensions, measures.duration):
        with contextlib.suppress(Exception):  # `contents.inspect` takes any
            measure(file, sample.media_type)
    assert time.monotonic() - began < 60


@pytest.mark.parametrize(
    "read",
    [
        lambda file: file.read(),
        lambda file: file.read(None),
        lambda file: file.read(2**62),
        lambda file: [file.read(1 << 20) for _ in range(100)],
        lambda file: [file.seek(0) for _ in range(measures.CALLS_AT_MOST + 1)],
        lambda file: [file.read(0) for _ in range(measures.CALLS_AT_MOST + 1)],
    ],
)
def test_reading_ends_when_it_becomes_too_much(read: Callable[[measures.Frugal], object]) -> None:
    with pytest.raises(measures.TooLaborious):
        read(measures.Frugal(io.BytesIO(bytes(2 * measures.READ_AT_MOST))))


def test_a_file_that_is_read_frugally_is_like_any_other() -> None:
    file = measures.Frugal(io.BytesIO(b"abcdef"))
    assert (file.read(2), file.tell(), file.seek(-2, 2), file.read(), file.read()) == (b"ab", 2, 4, b"ef", b"")
