"""What can go wrong between Civitai and us. Whether a thing is worth another try is its place in this tree.

    OrchestrationError
    ├── Transient             worth another try; knows how long it was asked to wait
    │   ├── Unreachable       network, time-out, an answer that cannot be read, a redirect
    │   ├── RateLimited       429
    │   ├── ServerError       408, 5xx
    │   ├── Conflict          409: fetch again
    │   ├── UrlExpired        content: a signed URL that answers 401, 403 or 410
    │   ├── Truncated         content: fewer or more bytes than promised, or a broken stream
    │   └── Forbidden         content: an address that we do not connect to
    ├── Withheld              content: the placeholder for what Civitai keeps back
    ├── CredentialError       401, 403
    ├── NotFound              404
    └── Permanent             400, 402, 422 and the rest
        └── TooLarge          content: more bytes than we take

The statuses are those of Civitai's API. A storage host has no say in whether a thing is gone: whatever it
answers is Transient.
"""

import re
from typing import Any
from urllib.parse import urlsplit

from orchestration import wire

_DETAIL_CHARACTERS = 500
_URL_WITH_SECRETS = re.compile(r"(https?://)(?:[^\s/?#@]*@)?([^\s?#\"'<>]*)(?:[?#][^\s\"'<>]*)?", re.IGNORECASE)


class OrchestrationError(Exception):
    """Civitai did not do what it was asked."""

    def __init__(
        self,
        message: str | None = None,
        *,
        call: str | None = None,
        id: str | None = None,  # noqa: A002 - the name that the fact has everywhere else
        url: str | None = None,
        status: int | None = None,
        detail: str | None = None,
    ) -> None:
        """Keep the facts; without a message, the first line of the class's docstring and the facts are it.

        `call` is what was tried, in words; `id` is what it was tried on; `url` loses its query, where
        signatures are; `status` is HTTP's; `detail` is what the other side said.
        """
        self.call = call
        self.id = id
        self.url = None if url is None else without_secrets(url)
        self.status = status
        self.detail = None if detail is None else _plain(detail)
        super().__init__(message or self._sentence())

    def _sentence(self) -> str:
        what = " ".join(part for part in (self.call, _plain(self.id or "")) if part)
        facts = [what, self.url, f"HTTP {self.status}" if self.status else None, self.detail]
        told = "; ".join(fact for fact in facts if fact)
        sentence = (type(self).__doc__ or "").partition("\n")[0].rstrip(".")
        return f"{sentence} ({told})." if told else f"{sentence}."


class Transient(OrchestrationError):
    """It did not work this time, another try may."""

    def __init__(self, message: str | None = None, *, retry_after: float | None = None, **facts: Any) -> None:
        """Keep the facts, and the seconds that the other side asked us to wait, if it did."""
        super().__init__(message, **facts)
        self.retry_after = retry_after


class Unreachable(Transient):
    """Civitai could not be reached or its answer could not be read, it will be worth another try."""


class RateLimited(Transient):
    """Civitai asks for fewer calls, try again later."""


class ServerError(Transient):
    """Civitai had an error of its own, try again later."""


class Conflict(Transient):
    """It changed in the meantime, fetch it again."""


class UrlExpired(Transient):
    """The signed URL has expired, ask for a fresh one."""


class Truncated(Transient):
    """The content did not come as long as it was promised, download it again."""


class Forbidden(Transient):
    """The content is at an address that blobs may not come from, ask for a fresh URL.

    Transient, although nothing will ever be fetched from there: the next URL that Civitai signs may name another
    host, and a name that leads to a private address may be a name server's passing fault.
    """


class Withheld(OrchestrationError):
    """Instead of the content there is the placeholder for what Civitai keeps back, ask its API for the reason."""


class CredentialError(OrchestrationError):
    """Civitai refused the API token, check that it is right, valid and allowed to do this."""


class NotFound(OrchestrationError):
    """Civitai does not know it, or no more."""


class Permanent(OrchestrationError):
    """Civitai refused the request and would refuse it again, change it."""


class TooLarge(Permanent):
    """The content is larger than we take, raise the limit to keep it."""


def from_answer(
    status: int,
    body: bytes,
    *,
    call: str,
    url: str,
    id: str | None = None,  # noqa: A002 - as above
    retry_after: float | None = None,
) -> OrchestrationError:
    """Turn an answer of Civitai's API that is not 2xx into the error that it means."""
    facts: dict[str, Any] = {"call": call, "id": id, "url": url, "status": status, "detail": problem(body)}
    match status:
        case 401 | 403:
            return CredentialError(**facts)
        # Somebody before the API, at work on it perhaps, or a wrong address: no word on what was asked.
        case _ if 300 <= status < 400:
            return Unreachable(retry_after=retry_after, **facts)
        case 404:
            return NotFound(**facts)
        case 409:
            return Conflict(retry_after=retry_after, **facts)
        case 429:
            return RateLimited(retry_after=retry_after, **facts)
        case _ if is_server_error(status):
            return ServerError(retry_after=retry_after, **facts)
        case _:
            return Permanent(**facts)


def is_server_error(status: int) -> bool:
    """Say whether an HTTP status blames the server: 5xx, and 408, which a gateway may send in its name."""
    return status == 408 or status >= 500


def problem(body: bytes) -> str | None:
    """Read what an error's body says: RFC 7807's `title`, `detail`, `errors`, or bare text, JSON or not."""
    try:
        document = wire.loads(body)
    except ValueError:
        text = body[: 4 * _DETAIL_CHARACTERS].decode("utf-8", "replace").strip()
        return None if not text or text.startswith("<") else _plain(text)
    if isinstance(document, str):
        return _plain(document) or None
    if not isinstance(document, dict):
        return None
    parts = [document[key] for key in ("title", "detail") if isinstance(document.get(key), str)]
    fields = document.get("errors")
    if isinstance(fields, dict):
        parts += [f"{field}: {_joined(messages)}" for field, messages in fields.items()]
    return _plain(": ".join(part for part in parts if part)) or None


def without_secrets(url: str) -> str:
    """Give the URL without what may be secret in it: user, query, fragment."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return _plain(url.partition("?")[0])
    return _plain(parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl())


def _joined(messages: object) -> str:
    return ", ".join(str(message) for message in messages) if isinstance(messages, list) else str(messages)


def _plain(text: str) -> str:
    """One printable line of bounded length, in which the URLs have lost their queries."""
    line = text[: 8 * _DETAIL_CHARACTERS]
    if not line.isprintable():
        line = "".join(character if character.isprintable() else " " for character in line)
    line = " ".join(_URL_WITH_SECRETS.sub(r"\1\2", line).split())
    return line if len(line) <= _DETAIL_CHARACTERS else line[: _DETAIL_CHARACTERS - 1] + "…"
