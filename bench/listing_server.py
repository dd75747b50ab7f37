"""A bare listing: `python -m bench.listing_server PORT WORKFLOWS` serves generated pages, and nothing else.

Raw sockets and one template, so that whoever asks is what is measured. The cursor is the number of the page's first
workflow; ids and times are of their own, the rest of a document is everybody's.
"""

import asyncio
import json
import re
import sys
from datetime import UTC, datetime, timedelta

PAGE = 100
DAYS = 25
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
_CURSOR = re.compile(rb"[?&]cursor=(\d+)")


class Listing:
    """So many workflows of four images, evenly over the last days, oldest first."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._first = datetime.now(UTC) - timedelta(days=DAYS)
        self._step = timedelta(days=DAYS) / count
        document = json.dumps(_document()).encode()
        self._parts = re.split(rb"(@id|@time)", document)

    def page(self, begin: int) -> bytes:
        """The body of the page that begins with this workflow."""
        items = b",".join(self._item(number) for number in range(begin, min(begin + PAGE, self.count)))
        following = b"" if begin + PAGE >= self.count else b'"%d"' % (begin + PAGE)
        return b'{"items":[%b],"next":%b}' % (items, following or b"null")

    def _item(self, number: int) -> bytes:
        created = self._first + number * self._step
        known = {b"@id": b"wf_%09d" % number, b"@time": created.isoformat().encode()}
        return b"".join(known.get(part, part) for part in self._parts)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection's requests."""
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                asked = _CURSOR.search(head.partition(b"\r\n")[0])
                body = self.page(int(asked[1]) if asked else 0)
                writer.write(
                    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
                )
                writer.write(body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


def _document() -> dict[str, object]:
    blob = {
        "type": "image",
        "available": True,
        "urlExpiresAt": "@time",
        "nsfwLevel": "pg",
        "width": 1024,
        "height": 1024,
    }
    images = [
        {**blob, "id": f"@id-{number}.jpeg", "url": f"https://blobs.example/@id-{number}.jpeg?sig={'s' * 64}&exp=@time"}
        for number in range(4)
    ]
    times = {"startedAt": "@time", "completedAt": "@time"}
    step = {
        "$type": "textToImage",
        "name": "0",
        "status": "succeeded",
        **times,
        "input": {"prompt": "a lighthouse in fog, " * 10, "seed": 7, "steps": 30, "width": 1024, "height": 1024},
        "jobs": [{"id": f"@id-job-{number}", "status": "succeeded", **times, "cost": 1.5} for number in range(4)],
        "output": {"images": images},
    }
    cost = {"base": 6, "total": 6, "tips": {"civitai": 0, "creators": 0}}
    facts = {"tags": ["portrait"], "metadata": {"run": 7}, "cost": cost, "nsfwLevel": "pg"}
    return {"id": "@id", "status": "succeeded", "createdAt": "@time", **times, **facts, "steps": [step]}


async def main() -> None:
    """Serve until killed."""
    port, count = map(int, sys.argv[1:])
    server = await asyncio.start_server(Listing(count).serve, "127.0.0.1", port)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
