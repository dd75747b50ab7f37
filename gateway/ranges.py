"""Range headers (RFC 9110, section 14): one range of bytes; of several, the whole is sent, as anybody may."""

import re

_ONE = re.compile(r"bytes=[ \t]*(\d{1,18})?-(\d{1,18})?[ \t]*", re.ASCII | re.IGNORECASE)


class Unsatisfiable(Exception):
    """The range lies behind the end."""


def parse(header: str | None, size: int) -> tuple[int, int] | None:
    """The first byte wanted and the one after the last, None for the whole. Raises Unsatisfiable.

    What cannot be read counts as not said.
    """
    found = _ONE.fullmatch(header or "")
    match found and found.groups():
        case (str(first), None):
            start, end = int(first), size
        case (None, str(count)):
            start, end = max(0, size - int(count)), size
        case (str(first), str(last)) if int(first) <= int(last):
            start, end = int(first), min(int(last) + 1, size)
        case _:
            return None
    if start >= size:
        raise Unsatisfiable
    return start, end
