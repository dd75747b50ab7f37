"""`/sandbox/clock` and `/sandbox/forget`: Civitai's forgetting, without the wait. The real one has nothing like it."""

from datetime import timedelta

from starlette.requests import Request
from starlette.responses import Response

from sandbox import answers, bodies, clock, problems, runs, state

MOST_DAYS = 3_650.0  # at once
_FARTHEST = timedelta(days=36_500)  # in all


class Passing:
    """Lets time pass, or everything be forgotten at once; needs no token."""

    def __init__(self, memory: state.State, playing: runs.Runs) -> None:
        self._state, self._runs = memory, playing

    async def forward(self, request: Request) -> Response:
        """POST `{"days": 31}`: the clock goes so much ahead; URLs die, and what is past its retention is gone."""
        body = await bodies.read_object(request)
        days = body.get("days")
        if set(body) != {"days"} or isinstance(days, bool) or not isinstance(days, int | float):
            raise problems.invalid("days", 'The body must be an object such as {"days": 31}.')
        if not 0 < days <= MOST_DAYS:
            raise problems.invalid("days", f"days must be more than 0 and at most {MOST_DAYS:g}.")
        if self._state.clock.ahead + timedelta(days=days) > _FARTHEST:
            raise problems.invalid("days", f"The clock goes at most {_FARTHEST.days} days ahead.")
        self._state.clock.forward(timedelta(days=days))
        return await self.tell(request)

    async def tell(self, _request: Request) -> Response:
        """GET: what time it is here, and how many days that is ahead."""
        time = self._state.clock
        return answers.Json({"now": clock.text(time.now()), "daysAhead": time.ahead / timedelta(days=1)})

    async def forget(self, _request: Request) -> Response:
        """POST: from now on every workflow, job and blob answers 404, those that still run included; nobody is told."""
        self._runs.forget()
        self._state.forget()
        return Response(status_code=204)
