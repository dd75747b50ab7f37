"""How many stored bytes a worker may hash again: a share with each run, a debt after a large one."""

RUNS_A_DAY = 24 * 60
SAVED_AT_MOST = 60
"""The shares of so many runs are saved: a pause is not made up for by a rush."""


class Allowance:
    """One for a process. However many workers take turns with the runs, together they spend one day's bytes a day.

    bytes: what may be spent now; negative after an object that was larger than that.
    """

    def __init__(self, bytes_per_day: int) -> None:
        self.bytes = 0
        self._share = -(-bytes_per_day // RUNS_A_DAY)

    def earn(self) -> bool:
        """Add the share of one run; whether there is anything to spend."""
        self.bytes = min(self.bytes + self._share, SAVED_AT_MOST * self._share)
        return self.bytes > 0

    def spend(self, size: int) -> None:
        """Take off what was hashed."""
        self.bytes -= size
