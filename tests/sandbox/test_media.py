"""What is served opens with the libraries that everybody uses, and holds what it claims to."""

import io
from collections.abc import Callable

import av
import pytest
from av.container import InputContainer

from sandbox import content, media, results
from tests.sandbox import chance

SIZES = [None, 200_000]


def opened(file: content.Content) -> bytes:
    return b"".join(file.pieces())


def reading(data: bytes) -> InputContainer:
    return av.open(io.BytesIO(data), mode="r")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("make", "codec"), [(media.jpeg, "mjpeg"), (media.png, "png")])
def test_pictures_open_with_their_width_and_height(
    make: Callable[..., content.Content], codec: str, size: int | None
) -> None:
    file = make(media.Edition(3, b"mark"), 120, 80, size)
    with reading(opened(file)) as picture:
        stream = picture.streams.video[0]
        (frame,) = picture.decode(stream)
        assert (stream.codec_context.name, frame.width, frame.height) == (codec, 120, 80)
    assert size is None or file.size == size


@pytest.mark.parametrize("size", SIZES)
def test_films_play_for_as_long_as_was_asked(size: int | None) -> None:
    file = media.mp4(media.Edition(1, b"mark"), 64, 48, 1.0, size)
    with reading(opened(file)) as film:
        frames = list(film.decode(film.streams.video[0]))
        assert (len(frames), frames[0].width, frames[0].height) == (media.FRAME_RATE, 64, 48)
    assert size is None or file.size == size


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("make", [media.wav, media.mp3])
def test_sounds_play_for_as_long_as_was_asked(make: Callable[..., content.Content], size: int | None) -> None:
    file = make(media.Edition(1, b"mark"), 1.5, size)
    with reading(opened(file)) as sound:
        samples = sum(int(frame.samples) for frame in sound.decode(sound.streams.audio[0]))
    assert samples / media.SAMPLE_RATE == pytest.approx(1.5, abs=0.1)
    assert size is None or file.size == size


def test_no_two_files_are_the_same_bytes() -> None:
    dice = chance.dice(0)
    wishes = {"width": 32, "height": 32, "duration": 0.5}
    for make in (results.image, results.cutout, results.video, results.speech, results.music):
        digests = {make(wishes, dice, None).file.sha256 for _ in range(3 * media.LOOKS)}
        assert len(digests) == 3 * media.LOOKS


def test_the_same_seed_gives_the_same_bytes() -> None:
    one, other = (results.image({}, chance.dice(5), None).file.sha256 for _ in range(2))
    assert one == other


def test_looks_differ() -> None:
    pictures = {media.png(media.Edition(look, b"mark"), 32, 32).sha256 for look in range(media.LOOKS)}
    assert len(pictures) == media.LOOKS


def test_a_placeholder_is_a_picture() -> None:
    with reading(media.placeholder()) as picture:
        assert next(picture.decode(video=0)).width == 512
