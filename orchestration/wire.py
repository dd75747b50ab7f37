"""JSON as Civitai may send it, and the few value formats that every reader of it needs.

PostgreSQL's `text` holds neither U+0000 nor lone surrogates, and valid JSON may hold both: `storable` and
`is_identifier` are where that meets us.
"""

import functools
import json
import math
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeGuard
from urllib.parse import urlsplit

import orjson

JsonObject = dict[str, Any]

IDENTIFIER_BYTES = 512  # the longest identifier that we keep, in UTF-8
URL_CHARACTERS = 8192  # the longest URL that we ask for
MAX_NESTING = 200  # of lists and objects; far from where Python's own recursion ends, for writing as for reading
_STRINGS_AND_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*+"|[\[\]{}]', re.DOTALL)
_INTEGER_DIGITS = 1000  # Python itself refuses to print integers past 4300 digits
_ODD_DIGITS = 10_000  # PostgreSQL's numeric takes 16383 behind the point
_EXPONENT = re.compile(rb"e[-+0-9][0-9]{2}")  # rarely there, and looked for faster than what it may be
_TINY_NUMBER = re.compile(rb"e-[0-9]{3}")
_ZERO_TO_THE_FAR = re.compile(rb"0e\+?[0-9]{9}")  # of exponents past 2^30 PostgreSQL takes none, not even a zero's
_LONG_NUMBER = re.compile(rb"[0-9]{%d}" % _ODD_DIGITS)
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def loads(data: bytes) -> Any:
    """Read one JSON text.

    A byte order mark is dropped; U+0000 and lone surrogates pass through when they come as escapes. Numbers
    that Python cannot hold (1e400, integers of more than 1000 digits) are kept as their literal text.

    Raises ValueError, and nothing else, with a plain reason.
    """
    try:
        text = data.decode("utf-8-sig")
        if _is_too_deep(text):
            raise RecursionError
        return _DECODER.decode(text)
    except UnicodeDecodeError as error:
        raise ValueError(f"it is not UTF-8 (byte {error.start})") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"it is not JSON ({error.msg} at character {error.pos})") from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def loads_plain(data: bytes) -> Any:
    """Read a JSON text that says the same to every reader; raises ValueError for any other, good or bad.

    Plain is UTF-8 without a byte order mark and without `\\u` escapes, nested as deeply as `loads` allows, with numbers
    in the range of doubles. What comes of integers past 64 bits is as near as doubles are.
    """
    if (b"\\" in data and b"\\u" in data) or _has_odd_numbers(data):  # one byte is looked for ten times as fast
        raise ValueError("it is not plain")
    value = orjson.loads(data)
    if data.count(b"[") + data.count(b"{") > MAX_NESTING and _is_too_deep(data.decode()):
        raise ValueError("it is nested too deeply")
    return value


def dumps(value: Any, *, default: Callable[[Any], Any] | None = None) -> bytes:
    """Write JSON; `default` makes something of what it has no words for. Only NaN and infinities are lost: null.

    Lone surrogates, integers past 64 bits and what is nested deeply take ten times as long, and raise ValueError
    beside a NaN.
    """
    try:
        return orjson.dumps(value, default=default)
    except TypeError:
        return json.dumps(value, allow_nan=False, default=default).encode()


def timestamp(value: object) -> datetime | None:
    """Read an ISO 8601 time as an aware one in UTC; a time without a zone is in UTC already.

    Anything else gives None. Digits past the microsecond (.NET writes seven) are cut off.
    """
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value.strip())
        if moment.tzinfo is UTC:
            return moment
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def is_identifier(value: object) -> TypeGuard[str]:
    """Say whether this can be an id or a name: text of 1 to 512 bytes, no NUL, no lone surrogate."""
    if not isinstance(value, str) or not value or _UNSTORABLE.search(value):
        return False
    return len(value.encode()) <= IDENTIFIER_BYTES


def is_url(value: object) -> TypeGuard[str]:
    """Say whether a value is an absolute http(s) URL that can be asked for, and nothing but one."""
    if not isinstance(value, str) or value[:4].lower() != "http":
        return False  # at once, for this is asked of every text of a document
    return len(value) <= URL_CHARACTERS and _is_printable_url(value)


@functools.lru_cache(maxsize=512)  # of each URL it is asked several times in a row
def _is_printable_url(value: str) -> bool:
    if not value.isprintable() or " " in value:
        return False
    try:
        parts = urlsplit(value)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # brackets without an address, ports beyond 65535
        return False


def storable(text: str) -> str:
    """Replace U+0000 and lone surrogates by U+FFFD."""
    return _UNSTORABLE.sub("\ufffd", text)


def text(value: object) -> str | None:
    """Read a label: text made storable, or a number as text (`nsfwLevel` comes as both); else None."""
    if isinstance(value, str):
        return storable(value) or None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return None


def _is_too_deep(text: str) -> bool:
    """Whether lists and objects are nested deeper than we read; most texts have too few of them to be looked at."""
    if text.count("[") + text.count("{") <= MAX_NESTING:
        return False
    depth = 0
    for token in _STRINGS_AND_BRACKETS.finditer(text):
        bracket = token[0]
        depth += (bracket in "[{") - (bracket in "]}")
        if depth > MAX_NESTING:
            return True
    return False


def _has_odd_numbers(data: bytes) -> bool:
    """Whether there may be a number that is too near to zero, too long, or too oddly written for some readers.

    Those that are too large for a double are refused by its parser.
    """
    lower = data.lower()
    if _EXPONENT.search(lower) and (_TINY_NUMBER.search(lower) or _ZERO_TO_THE_FAR.search(lower)):
        return True
    return len(data) > _ODD_DIGITS and _LONG_NUMBER.search(data) is not None


def _integer(literal: str) -> int | str:
    return literal if len(literal) > _INTEGER_DIGITS else int(literal)


def _float(literal: str) -> float | str:
    number = float(literal)
    return number if math.isfinite(number) else literal


def _refuse(literal: str) -> Any:
    raise ValueError(f"it is not JSON (it holds {literal})")


# Made once: making it takes as long as reading a callback does.
_DECODER = json.JSONDecoder(parse_int=_integer, parse_float=_float, parse_constant=_refuse)
