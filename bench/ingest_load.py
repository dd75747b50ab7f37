"""Load at a set pace: `python -m bench.ingest_load URL RUN PER_SECOND SECONDS CONNECTIONS`.

Requests begin when the clock says so, whether or not the ones before have been answered, and each one's time counts
from when it should have begun: a receiver that stalls cannot hide it. Prints one line of JSON: the quantiles in
milliseconds, and what was not acknowledged.
"""

import asyncio
import json
import sys
import time
from urllib.parse import urlsplit

import uvloop

from bench import ingest_bodies


async def main(url: str, run: str, per_second: float, seconds: float, connections: int) -> None:
    """Offer the load and print what became of it."""
    parts = urlsplit(url)
    free: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
    for _ in range(connections):
        free.put_nowait(await asyncio.open_connection(parts.hostname, parts.port))
    times: list[float] = []
    refused = 0

    async def send(number: int, due: float) -> None:
        nonlocal refused
        body = ingest_bodies.body(number, run)
        reader, writer = await free.get()
        head = f"POST {parts.path}?{parts.query} HTTP/1.1\r\nHost: bench\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        answer = await reader.readuntil(b"\r\n\r\n")
        length = int(answer.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        await reader.readexactly(length)
        free.put_nowait((reader, writer))
        times.append(time.perf_counter() - due)
        refused += not answer.startswith(b"HTTP/1.1 202 ")

    began = time.perf_counter() + 0.1
    sending = []
    for number in range(int(per_second * seconds)):
        due = began + number / per_second
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        sending.append(asyncio.create_task(send(number, due)))
    await asyncio.gather(*sending)
    times.sort()
    quantiles = {f"p{q}_ms": round(times[int(len(times) * q / 100)] * 1000, 1) for q in (50, 95, 99)}
    print(json.dumps({**quantiles, "max_ms": round(times[-1] * 1000, 1), "sent": len(times), "refused": refused}))


if __name__ == "__main__":
    url, run, *numbers = sys.argv[1:]
    uvloop.run(main(url, run, float(numbers[0]), float(numbers[1]), int(numbers[2])))
