"""Blobs: the orchestrator's calls about them, and the storage host that serves their bytes."""

import re
from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response, StreamingResponse

from sandbox import clock, content, documents, problems, signing, state

_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


class Blobs:
    """`/v2/consumer/blobs/{id}` of the API, and `/blobs/{id}` of the blob host."""

    def __init__(self, memory: state.State, rendering: documents.Documents, signer: signing.Signer) -> None:
        self._state, self._documents, self._signer = memory, rendering, signer

    async def redirect(self, request: Request) -> Response:
        """GET: 308 to a fresh signed URL; HEAD: 204; 404 for both."""
        blob = self._find(request)
        if request.method == "HEAD":
            return Response(status_code=204)
        return RedirectResponse(self._signer.url(blob.id, clock.now()), 308)

    async def refresh(self, request: Request) -> Response:
        """POST: the blob with a fresh signed URL; its retention starts anew."""
        blob = self._find(request)
        blob.expires_at = clock.now() + self._state.retention
        return JSONResponse(self._documents.blob(blob))

    async def serve(self, request: Request) -> Response:
        """GET and HEAD on the blob host: the bytes, whole or in one range, to whoever has a good signature."""
        identifier = request.path_params["blob_id"]
        signature, expires = (request.query_params.get(name, "") for name in ("sig", "exp"))
        if not self._signer.allows(identifier, signature, expires):
            return PlainTextResponse("This signed URL is wrong or has expired.", 403)
        blob = self._state.find_blob(identifier)
        if blob is None:
            return PlainTextResponse("There is no such blob.", 404)
        return _answer(blob, request)

    def _find(self, request: Request) -> state.Blob:
        blob = self._state.find_blob(request.path_params["blob_id"])
        if blob is None:
            raise problems.Problem(404, "There is no such blob.")
        return blob


def _answer(blob: state.Blob, request: Request) -> Response:
    file = blob.file
    headers = {"Accept-Ranges": "bytes", "ETag": f'"{blob.id}"'}
    wanted = request.headers.get("Range", "")
    if request.headers.get("If-Range", headers["ETag"]) != headers["ETag"]:
        wanted = ""
    start, end = _span(wanted, file.size)
    if start >= end:
        return Response(status_code=416, headers={**headers, "Content-Range": f"bytes */{file.size}"})
    status = 200
    if (start, end) != (0, file.size) or _RANGE.fullmatch(wanted):
        status, headers["Content-Range"] = 206, f"bytes {start}-{end - 1}/{file.size}"
    headers["Content-Length"] = str(end - start)
    if request.method == "HEAD":
        return Response(status_code=status, headers=headers, media_type=file.media_type)
    return StreamingResponse(_stream(file, start, end), status, headers, file.media_type)


def _span(wanted: str, size: int) -> tuple[int, int]:
    """Start and end (exclusive) of what a Range header asks for: everything for a header that cannot be read,
    nothing for a range that lies outside.
    """
    match = _RANGE.fullmatch(wanted)
    if match is None or match.groups() == ("", ""):
        return 0, size
    first, last = match.groups()
    if not first:
        return (max(0, size - int(last)), size) if int(last) else (size, size)
    return int(first), min(size, int(last) + 1) if last else size


async def _stream(file: content.Content, start: int, end: int) -> AsyncIterator[bytes]:
    for piece in file.pieces(start, end):
        yield piece
