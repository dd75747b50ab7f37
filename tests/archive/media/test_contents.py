import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archive import storage_errors
from archive.media import contents
from archive.media.contents import Facts
from archive.storage import incoming
from tests.archive import samples
from tests.archive.samples import Sample

ANY_BYTES = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


async def facts_of(content: bytes, directory: Path) -> Facts:
    async with incoming.receive(directory, lambda: None) as receiving:
        await receiving.write(content)
        return await contents.inspect(receiving)


@pytest.mark.parametrize("sample", samples.all_samples(), ids=lambda sample: sample.name)
async def test_a_file_says_what_it_is(sample: Sample, tmp_path: Path) -> None:
    facts = await facts_of(sample.bytes, tmp_path)
    assert (facts.size, facts.media_type) == (len(sample.bytes), sample.media_type)
    assert (facts.width, facts.height) == (sample.dimensions or (None, None))
    assert facts.duration == (None if sample.duration is None else pytest.approx(sample.duration, abs=0.1))


@ANY_BYTES
@given(st.binary(max_size=3000))
async def test_no_bytes_raise(tmp_path: Path, content: bytes) -> None:
    assert (await facts_of(content, tmp_path)).size == len(content)


@ANY_BYTES
@given(st.sampled_from(samples.all_samples()), st.floats(0, 1), st.integers(0, 400), st.binary(max_size=8))
async def test_no_broken_file_raises(tmp_path: Path, sample: Sample, cut: float, at: int, what: bytes) -> None:
    whole = sample.bytes[:at] + what + sample.bytes[at + len(what) :]
    await facts_of(whole[: int(len(whole) * cut)], tmp_path)


async def test_a_content_is_kept_as_it_came_after_it_was_looked_at(tmp_path: Path) -> None:
    large = os.urandom(3 * incoming.PIECE_BYTES)
    async with incoming.receive(tmp_path, lambda: None) as receiving:
        await receiving.write(large)
        await contents.inspect(receiving)
        with receiving.held() as (path, _):
            assert path.read_bytes() == large


def remove_all(directory: Path) -> None:
    for path in directory.iterdir():
        path.unlink()


async def test_storage_that_fails_meanwhile_is_said_to(tmp_path: Path) -> None:
    async with incoming.receive(tmp_path, lambda: None) as receiving:
        await receiving.write(bytes(incoming.PIECE_BYTES))
        remove_all(tmp_path)
        with pytest.raises(storage_errors.StorageUnavailable, match="No such file or directory"):
            await contents.inspect(receiving)


def whole(media_type: str | None) -> Facts:
    return Facts(1000, media_type)


@pytest.mark.parametrize(
    ("kind", "claimed", "facts", "why"),
    [
        ("image", "image/png", Facts(0), "it is empty"),
        (None, None, Facts(0), "it is empty"),
        ("image", "image/png", Facts(9), "9 bytes are no image"),
        ("video", "video/mp4", Facts(23, "video/mp4"), "23 bytes are no video"),
        ("image", "image/png", whole("text/html"), "it is text/html, not image"),
        ("image", "image/png", whole("application/json"), "it is application/json, not image"),
        ("Image", "image/png", whole("application/xml"), "it is application/xml, not image"),
        ("video", "video/mp4", whole("text/plain"), "it is text/plain, not video"),
        ("audio", "audio/mpeg", whole("text/html"), "it is text/html, not audio"),
        ("video", "video/mp4", whole("image/png"), "it is image/png, a placeholder perhaps, not video"),
        ("audio", None, whole("image/jpeg"), "it is image/jpeg, a placeholder perhaps, not audio"),
        ("model3d", None, whole("image/jpeg"), "it is image/jpeg, not a model"),
        ("model", "application/octet-stream", whole("text/html"), "it is text/html, not a model"),
        ("model3d", "model/gltf-binary", whole("application/json"), "it is application/json, not a model"),
        (None, "image/png", whole("text/html"), "it is text/html, not image"),
        (None, "image/png", whole("application/json"), "it is application/json, not image"),
        (None, None, whole("text/html"), "it is a web page"),
        (None, "text/html", whole("text/html"), "it is a web page"),
        ("json", "application/json", whole("text/html"), "it is a web page"),
        ("archive", None, whole("text/html"), "it is a web page"),
    ],
)
def test_what_cannot_be_the_result_is_said_to_be_what_it_is(
    kind: str | None, claimed: str | None, facts: Facts, why: str
) -> None:
    assert contents.mismatch(kind, claimed, facts) == why


@pytest.mark.parametrize(
    ("kind", "claimed", "found"),
    [
        ("image", "image/png", "image/png"),
        ("image", "image/png", "image/jpeg"),  # the claim is often wrong, and it is a picture
        ("image", "text/html", "image/webp"),
        ("image", None, "image/svg+xml"),
        ("image", None, "video/mp4"),
        ("image", None, None),
        ("video", None, "image/gif"),
        ("video", None, "image/webp"),
        ("audio", None, "video/mp4"),
        ("video", None, None),
        ("model3d", None, "model/gltf+json"),
        ("model3d", None, "application/xml"),
        ("model3d", None, "text/plain"),
        ("model", None, "application/zip"),
        (None, "application/json", "application/json"),
        (None, None, "text/plain"),
        ("document", "text/html", "text/html"),
        ("something new", None, None),
        (None, "application/octet-stream", None),
    ],
)
def test_what_may_be_the_result_passes(kind: str | None, claimed: str | None, found: str | None) -> None:
    assert contents.mismatch(kind, claimed, whole(found)) is None


def test_a_small_text_may_be_a_result() -> None:
    assert contents.mismatch("text", "text/plain", Facts(2, "text/plain")) is None
