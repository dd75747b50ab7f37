"""Ways to have the bytes behind a URL, for `bench.downloads` to compare. Those not installed are left out."""

import asyncio
import http.client
import importlib
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import httpx

from orchestration import blobs

Fetch = Callable[[str], AsyncIterator[bytes]]
Transport = Callable[[], AbstractAsyncContextManager[Fetch]]

IDENTITY = {"Accept-Encoding": "identity"}


@asynccontextmanager
async def blob_client() -> AsyncIterator[Fetch]:
    """What the archive uses, with every guard."""
    async with blobs.BlobClient(allow_private=True) as client:

        async def fetch(url: str) -> AsyncIterator[bytes]:
            async with client.open(url) as content:
                async for chunk in content.chunks:
                    yield chunk

        yield fetch


@asynccontextmanager
async def bare_aiohttp() -> AsyncIterator[Fetch]:
    """aiohttp, alone."""
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(
        connector=connector, auto_decompress=False, read_bufsize=1 << 18, headers=IDENTITY
    ) as session:

        async def fetch(url: str) -> AsyncIterator[bytes]:
            async with session.get(url, allow_redirects=False) as response:
                async for chunk in response.content.iter_any():
                    yield chunk

        yield fetch


@asynccontextmanager
async def bare_httpx(transport: httpx.AsyncBaseTransport | None = None) -> AsyncIterator[Fetch]:
    """httpx, on its own transport or another."""
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=20)
    async with httpx.AsyncClient(
        transport=transport, timeout=30, limits=limits, trust_env=False, headers=IDENTITY
    ) as client:

        async def fetch(url: str) -> AsyncIterator[bytes]:
            async with client.stream("GET", url) as response:
                async for chunk in response.aiter_raw():
                    yield chunk

        yield fetch


@asynccontextmanager
async def httpx_on_aiohttp() -> AsyncIterator[Fetch]:
    """httpx on the transport of httpx-aiohttp."""
    library: Any = importlib.import_module("httpx_aiohttp")
    async with bare_httpx(library.AiohttpTransport()) as fetch:
        yield fetch


@asynccontextmanager
async def pyreqwest() -> AsyncIterator[Fetch]:
    """A client in Rust."""
    library: Any = importlib.import_module("pyreqwest.client")
    async with library.ClientBuilder().no_proxy().build() as client:

        async def fetch(url: str) -> AsyncIterator[bytes]:
            async with client.get(url).build_streamed() as response:
                while (chunk := await response.body_reader.read(1 << 18)) is not None:
                    yield chunk

        yield fetch


@asynccontextmanager
async def standard_library() -> AsyncIterator[Fetch]:
    """http.client in threads, a mebibyte a turn."""
    loop, idle = asyncio.get_running_loop(), list[http.client.HTTPConnection]()
    with ThreadPoolExecutor(32) as threads:

        async def fetch(url: str) -> AsyncIterator[bytes]:
            parts = urlsplit(url)
            connection = idle.pop() if idle else http.client.HTTPConnection(parts.hostname or "", parts.port)
            await loop.run_in_executor(threads, connection.request, "GET", parts.path)
            response = await loop.run_in_executor(threads, connection.getresponse)
            while chunk := await loop.run_in_executor(threads, response.read, 1 << 20):
                yield chunk
            idle.append(connection)

        yield fetch
        for connection in idle:
            connection.close()


TRANSPORTS: dict[str, Transport] = {
    "blob_client": blob_client,
    "aiohttp": bare_aiohttp,
    "httpx": bare_httpx,
    "httpx_aiohttp": httpx_on_aiohttp,
    "pyreqwest": pyreqwest,
    "http_client_in_threads": standard_library,
}
