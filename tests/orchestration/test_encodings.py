import gzip
import zlib
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration import encodings, errors

URL = "https://blobs.example/x"


async def chunked(data: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


async def undone(data: bytes, header: str | None, size: int = 1000) -> list[bytes]:
    return [piece async for piece in encodings.decoded(chunked(data, size), header, url=URL)]


@pytest.mark.parametrize("header", [None, "", "identity", " Identity "])
async def test_what_is_not_encoded_passes_as_it_is(header: str | None) -> None:
    assert not encodings.is_encoded(header)
    assert b"".join(await undone(b"abc", header)) == b"abc"


@given(content=st.binary(max_size=3000), size=st.integers(1, 200), members=st.integers(1, 3))
async def test_gzip_is_undone_wherever_its_chunks_end(content: bytes, size: int, members: int) -> None:
    assert b"".join(await undone(gzip.compress(content, mtime=0) * members, "GZIP", size)) == content * members


async def test_a_bomb_comes_in_small_pieces() -> None:
    pieces = await undone(gzip.compress(bytes(20_000_000), mtime=0), "gzip", 1 << 18)
    assert sum(map(len, pieces)) == 20_000_000
    assert max(map(len, pieces)) <= 1 << 18


@pytest.mark.parametrize("data", [b"<html>", gzip.compress(b"x" * 5000, mtime=0)[:-5], zlib.compress(b"x"), b""])
async def test_what_is_no_whole_gzip_is_truncated(data: bytes) -> None:
    with pytest.raises(errors.Truncated, match="gzip"):
        await undone(data, "gzip")


@pytest.mark.parametrize("header", ["br", "zstd", "deflate", "gzip, gzip"])
async def test_other_encodings_are_refused(header: str) -> None:
    with pytest.raises(errors.Unreachable, match="which nobody asked for"):
        await undone(b"x", header)
