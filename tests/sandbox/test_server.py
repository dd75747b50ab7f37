import asyncio
import socket
import time

import httpx
import pytest

from sandbox import server
from sandbox.server import Sandbox, SandboxError
from tests.sandbox import consumers
from tests.sandbox.consumers import Consumer


async def test_two_origins_on_free_ports_of_loopback(sandbox: Sandbox) -> None:
    assert sandbox.api_url.startswith("http://127.0.0.1:")
    assert sandbox.blob_url.startswith("http://127.0.0.1:")
    assert sandbox.api_url != sandbox.blob_url


async def test_a_taken_port_is_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SandboxError, match=f"cannot listen on port {port} .*: choose another one"):
            async with Sandbox(blob_port=port):
                pass


async def test_no_such_port_is_one_sentence() -> None:
    with pytest.raises(SandboxError, match="no such port"):
        async with Sandbox(api_port=70_000):
            pass


async def test_leaving_closes_both_doors_though_workflows_run_and_clients_wait() -> None:
    began = time.monotonic()
    async with Sandbox() as sandbox, consumers.of(sandbox) as consumer:
        running = await consumer.submit(consumers.body(seconds=600))
        waiting = asyncio.create_task(consumer.get(running.json()["id"], wait="60"))
        await asyncio.sleep(0.1)
    await asyncio.gather(waiting, return_exceptions=True)
    assert time.monotonic() - began < 50
    for url in (sandbox.api_url, sandbox.blob_url):
        with pytest.raises(httpx.ConnectError):
            await httpx.AsyncClient(transport=httpx.AsyncHTTPTransport(verify=False)).get(url)


async def test_serve_runs_until_it_is_cancelled() -> None:
    ready: asyncio.Future[Sandbox] = asyncio.get_running_loop().create_future()
    running = asyncio.create_task(
        server.serve(api_port=0, blob_port=0, token="t", manager_token="m", on_ready=ready.set_result)
    )
    async with consumers.of(await ready) as consumer:
        assert (await consumer.run("echo"))["status"] == "succeeded"
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert running.cancelled()


async def test_the_same_seed_and_calls_give_the_same_blobs() -> None:
    async def served(seed: int) -> list[tuple[str, str]]:
        async with Sandbox(seed=seed) as sandbox, consumers.of(sandbox) as consumer:
            for step_type in ("imageGen", "videoGen", "training"):
                await consumer.run(step_type)
            return [(entry["id"], entry["sha256"]) for entry in (await consumer.served()).values()]

    assert await served(1) == await served(1) != await served(2)


async def test_small_posts_do_not_wait_for_nagle(consumer: Consumer) -> None:
    blob = consumers.image(await consumer.run())
    seconds = []
    for _ in range(20):
        began = time.monotonic()
        await consumer.refresh(blob["id"])
        seconds.append(time.monotonic() - began)
    assert min(seconds) < 0.02


async def test_a_dozen_workflows_a_second_are_no_burden(consumer: Consumer) -> None:
    began = time.monotonic()
    await asyncio.gather(*(consumer.run(wishes={"quantity": 4}) for _ in range(24)))
    assert time.monotonic() - began < 60
