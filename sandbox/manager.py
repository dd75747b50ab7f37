"""`/v1/manager/workflows`: what a manager of Civitai's sees of one user."""

from starlette.requests import Request
from starlette.responses import Response

from sandbox import answers, documents, listings, parameters, problems, state

MOST_ITEMS = 10  # of one page


class Manager:
    """The calls of managers."""

    def __init__(self, memory: state.State, rendering: documents.Documents, finding: listings.Listings) -> None:
        self._state, self._documents, self._listings = memory, rendering, finding

    async def query(self, request: Request) -> Response:
        """GET: a bare list of one user's workflows, newest first unless `Inverse`. The last id is the next `Cursor`."""
        wishes = parameters.Parameters(request)
        user = wishes.text("UserId")
        if user is None:
            raise problems.invalid("UserId", "UserId is missing.")
        asked = listings.Wishes(
            take=wishes.whole("Take", MOST_ITEMS, MOST_ITEMS),
            cursor=wishes.text("Cursor"),
            tags=wishes.all("Tags"),
            text=wishes.text("Query"),
            exclude_failed=wishes.flag("ExcludeFailed"),
            ascending=wishes.flag("Inverse"),
        )
        page = self._listings.page(asked) if user == str(self._state.user) else listings.Page([])
        return answers.Json([self._documents.workflow(workflow) for workflow in page.workflows])
