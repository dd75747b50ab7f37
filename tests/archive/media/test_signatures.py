import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.media import signatures
from tests.archive import samples
from tests.archive.samples import Sample


@pytest.mark.parametrize("sample", samples.all_samples(), ids=lambda sample: sample.name)
def test_every_format_that_results_have_is_recognised_by_its_beginning(sample: Sample) -> None:
    assert signatures.media_type(sample.bytes[: signatures.HEAD_BYTES]) == sample.media_type


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"\0",
        b"\xff",
        b"\xff\xfb",
        b"\xff\xfb\x90\x64" + bytes(8000),  # one frame of MPEG audio and no second
        b"\xff\xff\xff\xff" * 100,
        b"\x10\0\0\0\0\0\0\0{'not json'.....",
        b'\xff\xff\xff\xff\xff\xff\xff\xff{"',
        bytes(range(256)),
    ],
)
def test_what_nobody_knows_is_nothing(head: bytes) -> None:
    assert signatures.media_type(head) is None


@given(st.binary(max_size=signatures.HEAD_BYTES))
def test_no_bytes_raise(head: bytes) -> None:
    assert signatures.media_type(head) is None or "/" in str(signatures.media_type(head))


@given(st.sampled_from(samples.all_samples()), st.integers(0, 600), st.binary(max_size=40))
def test_no_broken_beginning_raises(sample: Sample, at: int, what: bytes) -> None:
    signatures.media_type(sample.bytes[:at])
    signatures.media_type((sample.bytes[:at] + what + sample.bytes[at + len(what) :])[: signatures.HEAD_BYTES])


@pytest.mark.parametrize("text", ["text/html", "text/plain", "application/json", "application/xml"])
def test_what_is_to_be_read_is_text(text: str) -> None:
    assert signatures.is_text(text)


@pytest.mark.parametrize("other", ["image/svg+xml", "model/gltf+json", "video/mp4", "application/zip"])
def test_a_drawing_and_a_model_are_no_text_however_they_are_written(other: str) -> None:
    assert not signatures.is_text(other)
