"""Blobs: their content, whether they are there, and fresh addresses of them."""

from starlette.requests import Request
from starlette.responses import Response

from archive import catalogue
from archive.catalogue import Content
from gateway import choosing, contents, forwarding, identifiers, parameters, showing
from gateway.choosing import Archived
from gateway.problems import Problem
from gateway.state import State
from orchestration import maturity, rendering
from orchestration.wire import JsonObject

BLOBS = "/v2/consumer/blobs"


def is_signed(request: Request[State]) -> bool:
    """Whether the request comes with a signature instead of a key."""
    return "sig" in request.query_params and request.method in ("GET", "HEAD")


async def get(request: Request[State]) -> Response:
    """The content of a blob; at Civitai, a redirect to it."""
    if is_signed(request):
        _check_signature(request)
    return await choosing.answer(request, lambda: _archived(request), lambda: _relayed(request, "get blob"))


async def head(request: Request[State]) -> Response:
    """Whether a blob is there, and of what level; of a signed address, what GET would answer."""
    if is_signed(request):
        return await get(request)

    async def archived() -> Archived | None:
        content = await _content(request)
        if content is None:
            return None

        async def show() -> Response:
            return Response(status_code=204, headers=contents.about(content))

        return Archived(show)

    return await choosing.answer(request, archived, lambda: _relayed(request, "look for blob"))


async def refresh(request: Request[State]) -> Response:
    """The blob with a fresh address."""

    async def archived() -> Archived | None:
        content = await _content(request)
        if content is None:
            return None

        async def show() -> Response:
            return showing.archived(await _blob(request, content))

        return Archived(show)

    return await choosing.answer(request, archived, lambda: _relayed(request, "refresh blob", "/refresh"))


async def placeholder(request: Request[State]) -> Response:
    """The image in the place of what Civitai keeps back: Civitai's alone."""
    path = f"{BLOBS}/blocked/{identifiers.segment_of(request, 'token')}"
    return await forwarding.relay(request, "get placeholder", path)


def _check_signature(request: Request[State]) -> None:
    """Raises Problem."""
    name = identifiers.of(request, "blobId")
    signature, expires_at = parameters.SIGNATURE.of(request), parameters.EXPIRY.of(request)
    if not request.state["signer"].allows(name, signature or "", expires_at or ""):
        raise Problem(403, "This signed address is wrong or has expired: refresh the blob for another.")


async def _archived(request: Request[State]) -> Archived | None:
    content = await _content(request)
    if content is None:
        return None
    limit = parameters.NSFW_LEVEL.of(request)
    if limit is not None and not maturity.is_within(content.nsfw_level, limit):
        raise Problem(403, f"The blob is not known to be within {limit}.")
    return Archived(lambda: contents.respond(request, content))


async def _content(request: Request[State]) -> Content | None:
    """What the archive has of the blob, if storage has it too."""
    async with showing.reading(request) as connection:
        content = await catalogue.content(
            connection, identifiers.of(request, "blobId"), workflow_id=parameters.WORKFLOW_ID.of(request)
        )
    return content if content is not None and await contents.is_there(request, content) else None


async def _blob(request: Request[State], content: Content) -> JsonObject:
    """The blob as its workflow's document has it; what Civitai gave a bare URL of gets the least that a blob has."""
    if content.blob_id is not None:
        async with showing.reading(request) as connection:
            kept = await catalogue.workflow_of_blob(connection, content.blob_id)
        if kept is not None:
            document = showing.document(request, kept, hide_mature=False)
            blob = rendering.find_blob(document, content.blob_id)
            if blob is not None:
                return blob
    link = request.state["signer"].link(showing.base_url(request), content)
    return {"id": content.name, "available": True, "url": link.url, "urlExpiresAt": link.expires_at}


async def _relayed(request: Request[State], name: str, below: str = "") -> Response:
    return await forwarding.relay(request, name, f"{BLOBS}/{identifiers.segment_of(request, 'blobId')}{below}")
