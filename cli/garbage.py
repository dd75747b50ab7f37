"""How often Python looks for garbage in a process that serves."""

import gc


def collect_less(*, after: int = 20_000) -> None:
    """Look once there are so many containers more, and never through what is there by now.

    An event makes hundreds that live for milliseconds. Measured, this is worth 5 % of a receiver's time; of a worker's,
    in which thousands are always under way, another 3 % with 50,000.
    """
    gc.freeze()
    gc.set_threshold(after, 20, 50)
