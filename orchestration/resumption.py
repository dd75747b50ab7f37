"""A download that goes on where its stream broke, when the host can prove that the content is still the same."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from orchestration import errors, transport

Ask = Callable[[Mapping[str, str]], Awaitable[transport.Answer]]
"""Asks for the content again with these headers; gives an answer of 200, 206 or 416, or raises of the tree."""

_RANGE = re.compile(r"bytes (\d{1,19})-(\d{1,19})/(\d{1,19}|\*)", re.ASCII | re.IGNORECASE)
_UNSATISFIED = re.compile(r"bytes \*/(\d{1,19})", re.ASCII | re.IGNORECASE)
_STRONG = re.compile(r'"[\x21\x23-\x7e]*"')


@dataclass(frozen=True)
class Begun:
    """The beginning of a content that somebody has already, from an earlier download of it.

    came: its bytes. etag: the content's strong ETag then (`Content.etag`). total: bytes of the whole, if known.
    """

    came: int
    etag: str
    total: int | None = None

    @property
    def headers(self) -> Mapping[str, str]:
        """What asks for the rest, and for the rest of this very content alone."""
        return {"Range": f"bytes={self.came}-", "If-Range": self.etag}


class Download:
    """The bytes of one content on the wire, over as many answers as they take.

    1. Pass on what comes and count it.
    2. The stream has ended: done, if as much came as was promised.
    3. It broke, or ended too early: without a strong ETag nobody knows whether the rest would fit: Truncated.
    4. Wait, then ask for the rest with Range and If-Range. A 206 with the very rest: back to 1. A 416 that puts
       the end where we are: done. Anything else is another content, or a host that cannot resume: Truncated, and
       the caller starts anew.
    5. No answer, or a server's error: back to 4, until `pauses` (seconds) are used up; the last error is raised.
       They start anew whenever an answer has brought at least `progress` bytes.
    """

    def __init__(
        self,
        first: transport.Answer,
        ask: Ask,
        *,
        pauses: Sequence[float],
        progress: float,
        begun: Begun | None = None,
    ) -> None:
        """Take the first answer: of 200, or, to the headers of `begun`, what `continues` looks at."""
        self.answer = first
        self._ask, self._pauses, self._progress = ask, pauses, progress
        etag = begun.etag if begun else first.headers.get("ETag", "")
        self.etag = etag if _STRONG.fullmatch(etag) else None
        self._total = begun.total if begun else first.length
        self._came = begun.came if begun else 0
        self._came_before = self._came
        self._failures = 0

    def continues(self) -> bool:
        """Whether the first answer is the rest of what was begun."""
        try:
            return self.etag is not None and self._fits()
        except errors.Truncated:
            return False

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield every byte once, in order. Whoever reads closes `answer` at the end."""
        while True:
            try:
                async for chunk in self.answer.chunks():
                    self._came += len(chunk)
                    yield chunk
                if self._total in (None, self._came):
                    return
                raise self._truncated(f"{self._came} bytes of {self._total} came")
            except errors.Truncated as broken:
                if self._came == self._total or not await self._goes_on(broken):
                    return

    async def _goes_on(self, broken: errors.Transient) -> bool:
        """Have the rest in `answer`; False when there is none. Raises why neither can be."""
        if self.etag is None or (self._total is not None and self._came > self._total):
            raise broken
        if self._came - self._came_before >= self._progress:
            self._failures = 0
        self._came_before = self._came
        self.answer.close()
        while self._failures < len(self._pauses):
            await asyncio.sleep(self._pauses[self._failures])
            self._failures += 1
            try:
                self.answer = await self._ask(Begun(self._came, self.etag).headers)
                return self._fits()
            except (errors.Unreachable, errors.ServerError) as error:
                broken = error
        raise broken

    def _fits(self) -> bool:
        """Whether the answer is the rest; False when it says that there is none. Raises Truncated."""
        told = self.answer.headers.get("Content-Range", "").strip()
        if self.answer.status == 416:
            end = _UNSATISFIED.fullmatch(told)
            known = int(end[1]) if end else self._total
            if self._came and self._total in (None, self._came) and known in (None, self._came):
                return False
            raise self._truncated("the rest is said to be none")
        if self.answer.status != 206:
            raise self._truncated("it broke, and the host gives no rest of it or has changed it")
        if self.answer.headers.get("ETag", self.etag) != self.etag:
            raise self._truncated("it broke, and the rest is of another content")
        span = _RANGE.fullmatch(told)
        if span is not None:
            total = self._total if span[3] == "*" else int(span[3])
            length = total is not None and total - self._came
            if (
                (int(span[1]), int(span[2])) == (self._came, (total or 0) - 1)
                and self._total in (None, total)
                and self.answer.length in (None, length)
            ):
                self._total = total
                return True
        raise self._truncated(f"it broke, and the host gave {told or 'unnamed bytes'} for the rest")

    def _truncated(self, detail: str) -> errors.Truncated:
        return errors.Truncated(call="download", url=self.answer.url, detail=detail)
