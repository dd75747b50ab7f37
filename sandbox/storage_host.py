"""The storage host: the bytes of a blob, whole or in one range, to whoever has a good signature."""

import re
from urllib.parse import quote

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response

from sandbox import documents, faults, sending, signing, state

_RANGE = re.compile(r"bytes=(\d*)-(\d*)")
_EXPIRED = (401, 403, 410)  # how storage hosts were seen to say it
_ERRORS = (500, 502, 503, 504)
_PAGE = "<!doctype html><title>Just a moment</title><p>Something went wrong. Please try again.</p>\n"


class StorageHost:
    """`/blobs/{id}?sig=…&exp=…` of the blob origin."""

    def __init__(
        self,
        memory: state.State,
        rendering: documents.Documents,
        signer: signing.Signer,
        chance: faults.Chance,
    ) -> None:
        self._state, self._documents, self._signer, self._chance = memory, rendering, signer, chance

    async def serve(self, request: Request) -> Response:
        """GET and HEAD."""
        identifier = request.path_params["blob_id"]
        signature, expires = (request.query_params.get(name, "") for name in ("sig", "exp"))
        if not self._signer.allows(identifier, signature, expires, self._state.clock.now()):
            return _expired()
        blob = self._state.find_blob(identifier)
        if blob is None:
            return PlainTextResponse("There is no such blob.", 404)
        play = blob.scenario
        if play.url_uses is not None:
            blob.uses[signature] += 1
            if blob.uses[signature] > play.url_uses:
                return _expired()
        if play.withheld is not None:
            return RedirectResponse(self._documents.placeholder_url(blob), 302)
        strike = None
        if request.method == "GET":
            strike = self._chance.strike((*faults.BLOB, *faults.STORAGE), f"blob {blob.id}", play.own_faults)
        return _refusal(strike) or _answer(blob, request, strike)


def _expired(status: int = 403) -> Response:
    return PlainTextResponse("This signed URL is wrong or has expired.", status)


def _refusal(strike: faults.Strike | None) -> Response | None:
    """What a fault answers in place of the blob, if it does."""
    match strike:
        case faults.Strike(name="blob_404"):
            return PlainTextResponse("There is no such blob.", 404)
        case faults.Strike(name="blob_403"):
            return PlainTextResponse("Forbidden.", 403)
        case faults.Strike(name="storage_429"):
            return PlainTextResponse("Slow down.", 429, {"Retry-After": f"{strike.seconds:.0f}"})
        case faults.Strike(name="storage_500"):
            return HTMLResponse(_PAGE, strike.dice.choice(_ERRORS))
        case faults.Strike(name="expired"):
            return _expired(strike.dice.choice(_EXPIRED))
        case faults.Strike(name="html"):
            return HTMLResponse(_PAGE)
    return None


def _answer(blob: state.Blob, request: Request, strike: faults.Strike | None) -> Response:
    file, name = blob.file, strike and strike.name
    headers = {"Accept-Ranges": "bytes", "ETag": f'"{blob.id}"'}
    if strike and name == "etag_changed":
        headers["ETag"] = f'"{blob.id}-{strike.dice.getrandbits(32):08x}"'
    if disposition := _disposition(request.query_params):
        headers["Content-Disposition"] = disposition
    wanted = request.headers.get("Range", "")
    if name == "no_range" or request.headers.get("If-Range", headers["ETag"]) != headers["ETag"]:
        wanted = ""
    start, end = _span(wanted, file.size)
    if start >= end:
        return Response(status_code=416, headers={**headers, "Content-Range": f"bytes */{file.size}"})
    status = 200
    if _RANGE.fullmatch(wanted):
        status, headers["Content-Range"] = 206, f"bytes {start}-{end - 1}/{file.size}"
    if request.method == "HEAD":
        headers["Content-Length"] = str(end - start)
        return Response(status_code=status, headers=headers, media_type=file.media_type)

    def count() -> None:
        blob.served += end == file.size

    flaw = strike if name in sending.FLAWS else None
    return sending.Body(file, start, end, status, headers, flaw=flaw, on_whole=count)


def _disposition(wishes: QueryParams) -> str | None:
    """How a browser is to treat the file, if somebody asked; a name is stripped of folders and control characters."""
    kind = "attachment" if wishes.get("download") == "true" else "inline"
    name = "".join(filter(str.isprintable, re.split(r"[/\\\\]", wishes.get("filename", ""))[-1]))
    if not name:
        return kind if kind == "attachment" else None
    return f"{kind}; filename*=UTF-8''{quote(name, safe='')}"


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
