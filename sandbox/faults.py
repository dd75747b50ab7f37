"""What may go wrong, as data: the faults' names, how often they strike, and the seeded chance that decides.

    {"truncate": 0.1, "api_429": {"rate": 1, "times": 2, "seconds": 5}, "blob_404": {"times": null}}

A number is a rate. `rate` (default 1) is how likely a fault is each time it could strike; `times` (default 3) is how
often at most it strikes one workflow, one blob or one call without an id, so that every fault ends by itself; null
asks for it without end. `seconds` is how long what takes time takes. A workflow's own faults
(`metadata.sandbox.faults`) stand before those for everything.
"""

import random
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

API = ("api_hang", "api_429", "api_500", "api_reset", "api_402", "api_409", "api_422")  # any call of the API
LISTING = ("list_older_cursor", "list_dates_ignored")  # a list of workflows, whose answer stays a success
WORKFLOW = ("workflow_404", "workflow_403")  # GET of one workflow
BLOB = ("blob_404", "blob_403")  # one blob, at the API and at the storage host
STORAGE = ("storage_429", "storage_500", "expired", "html", "truncate", "reset", "hang", "wrong_length", "overlong",
           "no_range", "etag_changed")  # fmt: skip
CALLBACK = ("callback_lost", "callback_doubled", "callback_reordered", "callback_late")
NAMES = API + LISTING + WORKFLOW + BLOB + STORAGE + CALLBACK

# How long the faults that take time take, unless they say it: Retry-After, silence, waiting for another callback.
SECONDS = {
    "api_429": 1.0,
    "api_hang": 5.0,
    "storage_429": 1.0,
    "hang": 5.0,
    "callback_reordered": 1.0,
    "callback_late": 2.0,
}
TIMES = 3
MOST_SECONDS = 600.0


@dataclass(frozen=True)
class Fault:
    """How one fault strikes; `times` is None when it never ends."""

    rate: float = 1.0
    times: int | None = TIMES
    seconds: float = 0.0

    @property
    def lasts(self) -> bool:
        """Whether it strikes every time and for ever."""
        return self.rate >= 1 and self.times is None


Faults = Mapping[str, Fault]


@dataclass(frozen=True)
class Strike:
    """A fault that strikes now; `dice` decides what else there is to decide, such as where a body ends."""

    name: str
    seconds: float
    dice: random.Random = field(repr=False)


def parse(wishes: object) -> dict[str, Fault]:
    """The faults that a JSON object describes; ValueError with a sentence for one that cannot be."""
    if not isinstance(wishes, dict):
        raise ValueError('faults must be a JSON object such as {"truncate": 0.1}.')
    return {name: _fault(name, wish) for name, wish in wishes.items()}


def _fault(name: str, wish: object) -> Fault:
    if name not in NAMES:
        raise ValueError(f"There is no fault {name!r}; there are {', '.join(NAMES)}.")
    asked = wish if isinstance(wish, dict) else {"rate": wish}
    if unknown := set(asked) - {"rate", "times", *(("seconds",) if name in SECONDS else ())}:
        raise ValueError(f"The fault {name} has no {', '.join(sorted(unknown))}.")
    times = asked.get("times", TIMES)
    if times is not None and (type(times) is not int or times < 0):
        raise ValueError(f"The times of the fault {name} must be a whole number, or null for ever.")
    return Fault(
        _number(name, "rate", asked.get("rate", 1.0), 1.0),
        times,
        _number(name, "seconds", asked.get("seconds", SECONDS.get(name, 0.0)), MOST_SECONDS),
    )


def _number(name: str, key: str, value: object, most: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
        raise ValueError(f"The {key} of the fault {name} must be a number from 0 to {most:g}.")
    return float(value)


class Chance:
    """Decides which fault strikes. The same seed, and for one subject the same asks, give the same answers,
    whatever happens to other subjects meanwhile.
    """

    def __init__(self, seed: int, everywhere: Faults) -> None:
        self.reset(seed, everywhere)

    def reset(self, seed: int, everywhere: Faults) -> None:
        """Begin anew with these faults for everything; what struck before is forgotten."""
        self.seed, self.everywhere = seed, everywhere
        self.struck: Counter[str] = Counter()
        self._asked: Counter[tuple[str, str]] = Counter()
        self._hit: Counter[tuple[str, str]] = Counter()

    def strike(self, names: Iterable[str], subject: str, own: Faults) -> Strike | None:
        """The first of those faults that strikes the subject now, if any does."""
        if not own and not self.everywhere:
            return None
        for name in names:
            fault = own.get(name) or self.everywhere.get(name)
            if fault is None or (fault.times is not None and self._hit[name, subject] >= fault.times):
                continue
            self._asked[name, subject] += 1
            # A source of chance of its own for every question, so that no order of requests matters.
            question = f"{self.seed}:{name}:{subject}:{self._asked[name, subject]}"
            dice = random.Random(question)  # noqa: S311 (repeatable, no secret)
            if dice.random() < fault.rate:
                self._hit[name, subject] += 1
                self.struck[name] += 1
                return Strike(name, fault.seconds, dice)
        return None

    def lasts(self, names: Iterable[str], own: Faults) -> bool:
        """Whether one of those faults strikes whoever has these faults of its own every time and for ever."""
        return any((own.get(name) or self.everywhere.get(name, _NEVER)).lasts for name in names)


_NEVER = Fault(rate=0.0)
