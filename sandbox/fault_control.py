"""`/sandbox/faults`: the faults for everything, and how often each has struck."""

from starlette.requests import Request
from starlette.responses import Response

from sandbox import answers, api_faults, bodies, faults, problems


class FaultControl:
    """Sets and tells; needs no token."""

    def __init__(self, chance: faults.Chance, calls: api_faults.ApiFaults) -> None:
        self._chance, self._calls = chance, calls

    async def set(self, request: Request) -> Response:
        """POST `{"seed", "faults", "tokenRefused"}`: begin anew with these; `{}` ends all of them."""
        body = await bodies.read_object(request)
        if not set(body) <= {"seed", "faults", "tokenRefused"}:
            raise problems.Problem(400, "The body may have seed, faults and tokenRefused.")
        seed, refused = body.get("seed", self._chance.seed), body.get("tokenRefused", 0)
        if type(seed) is not int:
            raise problems.invalid("seed", "seed must be a whole number.")
        if isinstance(refused, bool) or not isinstance(refused, int | float) or not 0 <= refused <= faults.MOST_SECONDS:
            raise problems.invalid("tokenRefused", f"tokenRefused must be seconds from 0 to {faults.MOST_SECONDS:g}.")
        try:
            everywhere = faults.parse(body.get("faults", {}))
        except ValueError as error:
            raise problems.invalid("faults", str(error)) from None
        self._chance.reset(seed, everywhere)
        self._calls.refuse_token(refused)
        return await self.tell(request)

    async def tell(self, _request: Request) -> Response:
        """GET: the faults for everything, and how often each fault has struck anywhere since they were set."""
        everywhere = {
            name: {
                "rate": fault.rate,
                "times": fault.times,
                **({"seconds": fault.seconds} if name in faults.SECONDS else {}),
            }
            for name, fault in self._chance.everywhere.items()
        }
        return answers.Json({"seed": self._chance.seed, "faults": everywhere, "struck": dict(self._chance.struck)})
