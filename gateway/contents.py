"""Stored contents over HTTP: streamed from storage in the part that is wanted, or left to nginx to send."""

import re
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any
from urllib.parse import quote

import structlog
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from archive import marker, names
from archive import storage as storages
from archive.catalogue import Content
from archive.storage import Storage
from gateway import parameters, ranges, showing, sources
from gateway.problems import Problem
from gateway.state import State

_MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,126}/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}")
_UNKNOWN = "application/octet-stream"

log = structlog.get_logger()


async def is_there(request: Request[State], content: Content) -> bool:
    """Whether storage has it, whole by its size. Raises StorageUnavailable."""
    storage = await _storage(request)
    size = await storage.size(storages.object_name(content.digest))
    if size != content.size:
        log.error("an object is not as its row says", digest=content.digest.hex(), size=content.size, found=size)
    return size == content.size


async def respond(request: Request[State], content: Content) -> Response:
    """200 or 206 with the bytes, 304 for who has them, 416 for a part that there is not. HEAD gets no bytes."""
    headers = _headers(request, content)
    if _matches(request.headers.get("If-None-Match"), headers["ETag"]):
        return Response(status_code=304, headers=headers)
    if_range = request.headers.get("If-Range")
    wanted = request.headers.get("Range") if if_range in (None, headers["ETag"]) else None
    name, status = storages.object_name(content.digest), 200
    if (location := request.state["config"].gateway.accel_redirect) is not None:
        # nginx looks for ranges and conditions itself.
        return Response(headers=headers | {"X-Accel-Redirect": f"{location}/{name}"})
    try:
        part = ranges.parse(wanted, content.size)
    except ranges.Unsatisfiable:
        sentence = f"It has {content.size} bytes, and those wanted lie behind them."
        raise Problem(416, sentence, headers={"Content-Range": f"bytes */{content.size}"}) from None
    start, end = part or (0, content.size)
    if part is not None:
        status, headers["Content-Range"] = 206, f"bytes {start}-{end - 1}/{content.size}"
    headers["Content-Length"] = str(end - start)
    if request.method == "HEAD":
        return Response(status_code=status, headers=headers)
    return StreamingResponse(_chunks(await _storage(request), name, start, end), status, headers)


def about(content: Content) -> dict[str, str]:
    """What HEAD tells of a blob."""
    told = content.nsfw_level or ""
    level = {"X-Nsfw-Level": told} if told.isascii() and told.isprintable() and told else {}
    return {"ETag": f'"{content.digest.hex()}"', sources.HEADER: sources.ARCHIVE, **level}


async def _storage(request: Request[State]) -> Storage:
    """The storage, which knows by now whose it is: what is missing then is missing, and not its whole volume."""
    storage = request.state["storage"]
    if storage.id is None:
        async with showing.reading(request) as connection:
            storage.id = await marker.seen(connection)
    return storage


async def _chunks(storage: Storage, name: str, start: int, end: int) -> AsyncIterator[bytes]:
    async with aclosing(storage.read(name, start, end)) as chunks:  # type: ignore[type-var]
        async for chunk in chunks:
            yield chunk


def _headers(request: Request[State], content: Content) -> dict[str, str]:
    known = content.media_type is not None and _MEDIA_TYPE.fullmatch(content.media_type)
    headers = {
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-transform",
        "Content-Type": str(content.media_type) if known else _UNKNOWN,
        # Pages and drawings that somebody's model made are shown, and run nothing.
        "Content-Security-Policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:",
        "X-Content-Type-Options": "nosniff",
        **about(content),
    }
    if (disposition := _disposition(request, content)) is not None:
        headers["Content-Disposition"] = disposition
    return headers


def _disposition(request: Request[Any], content: Content) -> str | None:
    """How to save it: said when the client asks for a name or for a download, as at Civitai."""
    filename, is_download = parameters.FILENAME.of(request), parameters.DOWNLOAD.of(request) or False
    if not filename and not is_download:
        return None
    last = (filename or content.blob_id or content.digest.hex()).replace("\\", "/").rpartition("/")[2]
    name = names.safe(last)
    if "." not in name and not filename:
        name = f"{name}.{names.extension(content.media_type)}"
    plain = name.encode("ascii", "replace").decode().replace("?", "_").replace('"', "_")
    kind = "attachment" if is_download else "inline"
    extended = "" if plain == name else f"; filename*=UTF-8''{quote(name, safe='')}"
    return f'{kind}; filename="{plain}"{extended}'


def _matches(header: str | None, etag: str) -> bool:
    """Whether If-None-Match names it."""
    tags = [tag.strip().removeprefix("W/") for tag in (header or "").split(",")]
    return etag in tags or "*" in tags
