import socket

import httpx

from archive import settings
from tests.worker import rows
from tests.worker.civitai import Civitai, blob, content, document, step
from worker import metrics
from worker.archive_workflow import archive_workflow
from worker.sweep import sweep
from worker.tools import Tools

CAT = bytes.fromhex("89504e470d0a1a0a") + b"as far as it matters here" * 40


def value(name: str, **labels: str) -> float:
    return metrics.REGISTRY.get_sample_value(f"civitai_archive_{name}", labels) or 0.0


async def test_what_a_worker_does_is_counted_and_served(
    tools: Tools, civitai: Civitai, environment_there: dict[str, str], free_port: int
) -> None:
    before = value("workflows_archived_total"), value("results_stored_total"), value("stored_bytes_total")
    civitai.workflows["w"] = document("w", step("s", blob("b", civitai.serves("b", content(CAT)))))
    await rows.tell(tools.engine, "w")
    await archive_workflow(tools, "w")
    after = value("workflows_archived_total"), value("results_stored_total"), value("stored_bytes_total")
    assert [now - then for now, then in zip(after, before, strict=True)] == [1, 1, len(CAT)]
    with metrics.served(settings.read(environment_there | {"WORKER_METRICS": f"127.0.0.1:{free_port}"})):
        async with httpx.AsyncClient() as http:
            shown = (await http.get(f"http://127.0.0.1:{free_port}/metrics")).text
    assert f"civitai_archive_workflows_archived_total {after[0]}" in shown


async def test_a_pause_is_shown_while_it_holds(tools: Tools, civitai: Civitai) -> None:
    civitai.workflows["w"] = civitai.listing = 401
    await rows.tell(tools.engine, "w")
    await archive_workflow(tools, "w")
    await sweep(tools)
    assert (value("paused", cause="credentials"), value("paused", cause="rate")) == (1, 0)
    await rows.execute(tools.engine, "DELETE FROM pauses")
    await sweep(tools)
    assert value("paused", cause="credentials") == 0


async def test_a_port_that_is_taken_costs_the_metrics_and_nothing_else(environment_there: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with metrics.served(settings.read(environment_there | {"WORKER_METRICS": address})):
            pass


async def test_what_cannot_be_read_as_content_is_counted_once_however_often_it_is_seen(
    tools: Tools, civitai: Civitai
) -> None:
    before = value("drift_total")
    strange = {**step("s"), "output": {"hologram": {"type": "hologram", "id": 7, "available": True}}}
    civitai.workflows["w"] = document("w", strange)
    for run in ("first", "second"):
        await rows.tell(tools.engine, "w", run=run)
        await archive_workflow(tools, "w")
    seen = await rows.select(tools.engine, "SELECT path FROM drift")
    assert len(seen) == value("drift_total") - before == 1
