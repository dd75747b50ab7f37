"""Content encodings that a host applies although none was asked for.

gzip is undone, since storage hosts keep some objects in that form and send it to everybody. Any other is refused.
"""

import zlib
from collections.abc import AsyncIterator

from orchestration import errors

_PIECE_BYTES = 1 << 18
_GZIP = 16 + zlib.MAX_WBITS


def is_encoded(header: str | None) -> bool:
    """Say whether a Content-Encoding header names more than identity."""
    return (header or "").strip().lower() not in ("", "identity")


def decoded(chunks: AsyncIterator[bytes], header: str | None, *, url: str) -> AsyncIterator[bytes]:
    """Yield the content itself, in pieces of bounded size however well it was packed.

    Raises Unreachable for an encoding that we do not read; while it yields, Truncated for what is not whole.
    """
    if not is_encoded(header):
        return chunks
    if (header or "").strip().lower() in ("gzip", "x-gzip"):
        return _unzipped(chunks, url)
    raise errors.Unreachable(call="download", url=url, detail=f"it is encoded as {header}, which nobody asked for")


async def _unzipped(chunks: AsyncIterator[bytes], url: str) -> AsyncIterator[bytes]:
    member = zlib.decompressobj(_GZIP)
    try:
        async for chunk in chunks:
            data = chunk
            while data:
                if member.eof:  # one gzip file may follow another
                    member = zlib.decompressobj(_GZIP)
                if piece := member.decompress(data, _PIECE_BYTES):
                    yield piece
                data = member.unused_data if member.eof else member.unconsumed_tail
        # What did not fit into the last piece has been unpacked already and waits within.
        while not member.eof and (piece := member.decompress(b"", _PIECE_BYTES)):
            yield piece
    except zlib.error as error:
        raise errors.Truncated(call="download", url=url, detail=f"it is no gzip ({error})") from error
    if not member.eof:
        raise errors.Truncated(call="download", url=url, detail="its gzip ends too early")
