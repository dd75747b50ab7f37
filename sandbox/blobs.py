"""Blobs at the API: where one is, whether it is, a fresh URL, and the image in a withheld one's place."""

from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from sandbox import answers, documents, media, parameters, problems, state

NSFW_LEVELS = ("pg", "pg13", "r", "x", "xxx")  # each beyond the one before


class Blobs:
    """`/v2/consumer/blobs/…`."""

    def __init__(self, memory: state.State, rendering: documents.Documents) -> None:
        self._state, self._documents = memory, rendering

    async def redirect(self, request: Request) -> Response:
        """GET: 308 to a fresh signed URL, or to the placeholder; HEAD: 204; 404 for both.

        `nsfwLevel` is the highest that is wanted: 403 for a blob beyond it, or of none. `filename` and `download` say
        how the content is to be handed to a browser.
        """
        wishes = parameters.Parameters(request)
        wanted = wishes.one_of("nsfwLevel", NSFW_LEVELS)
        blob = self._find(request)
        if not blob.is_available(self._state.clock.now()):
            raise problems.Problem(404, "The blob is not there yet.")
        if request.method == "HEAD":
            return Response(status_code=204)
        if wanted and (blob.type is None or NSFW_LEVELS.index(blob.nsfw_level) > NSFW_LEVELS.index(wanted)):
            raise problems.Problem(403, "The blob is beyond that level.")
        if blob.scenario.withheld is not None:
            return RedirectResponse(self._documents.placeholder_url(blob), 308)
        handling = {"filename": wishes.text("filename"), "download": "true" if wishes.flag("download") else None}
        asked = urlencode({name: value for name, value in handling.items() if value})
        return RedirectResponse(f"{self._documents.url(blob)}{'&' if asked else ''}{asked}", 308)

    async def refresh(self, request: Request) -> Response:
        """POST: the blob with a fresh signed URL; its retention starts anew."""
        blob = self._find(request)
        blob.expires_at = self._state.clock.now() + self._state.retention
        return answers.Json(self._documents.refreshed_blob(blob))

    async def placeholder(self, request: Request) -> Response:
        """GET, without a token: an image that is nobody's result."""
        blob = self._state.withheld.get(request.path_params["token"])
        if blob is None:
            raise problems.Problem(404, "There is no such placeholder.")
        status = 403 if blob.scenario.placeholder == "forbidden" else 200
        return Response(media.placeholder(), status, media_type="image/jpeg")

    def _find(self, request: Request) -> state.Blob:
        blob = self._state.find_blob(request.path_params["blob_id"])
        if blob is None or blob.ephemeral:
            raise problems.Problem(404, "There is no such blob.")
        return blob
