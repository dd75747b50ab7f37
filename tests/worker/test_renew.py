"""What storage cannot take is renewed at Civitai before its 30 days are over."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from archive import workflows
from tests.worker import rows
from tests.worker.civitai import Civitai, blob, content, document, picture, step
from worker.archive_workflow import archive_workflow
from worker.renew import AT_RISK
from worker.tools import Tools

CAT = picture(b"a cat" * 100)
DAYS_AGO = (workflows.RETENTION - AT_RISK).days + 1


def at_risk(civitai: Civitai, *blob_ids: str) -> None:
    """A workflow whose blobs Civitai is about to forget."""
    blobs = [blob(each, civitai.serves(each, content(CAT))) for each in blob_ids]
    civitai.workflows["w"] = document("w", step("s", *blobs), days_ago=DAYS_AGO)
    civitai.refreshed.update({one["id"]: one for one in blobs})


async def try_without_storage(tools: Tools, storage: Path, *, times: int) -> None:
    (storage / "civitai-archive.json").rename(storage.with_name("marker"))
    await rows.tell(tools.engine, "w")
    for _ in range(times):
        await rows.let_time_pass(tools.engine)
        await archive_workflow(tools, "w")


def refreshed(civitai: Civitai) -> list[str]:
    return sorted(call.split("/")[-2] for call in civitai.calls if call.endswith("/refresh"))


async def deadline(tools: Tools) -> datetime:
    found: datetime = (await rows.one(tools.engine, "SELECT deadline_at FROM workflows"))["deadline_at"]
    return found


async def test_what_was_renewed_keeps_its_new_deadline_however_often_it_is_fetched(
    tools: Tools, civitai: Civitai, storage: Path
) -> None:
    at_risk(civitai, "a", "b")
    await try_without_storage(tools, storage, times=2)  # the first learns the deadline, the second finds it near
    assert refreshed(civitai) == ["a", "b"]
    nearly = datetime.now(UTC) + workflows.RETENTION - timedelta(minutes=5)
    assert await deadline(tools) > nearly
    for _ in range(3):
        await rows.let_time_pass(tools.engine)
        await archive_workflow(tools, "w")
        assert await deadline(tools) > nearly
    assert refreshed(civitai) == ["a", "b"], "once is enough for 30 days"


async def test_one_that_cannot_be_renewed_does_not_keep_the_others_from_it(
    tools: Tools, civitai: Civitai, storage: Path
) -> None:
    at_risk(civitai, "a", "b", "c")
    civitai.refreshed["a"] = 404
    await try_without_storage(tools, storage, times=2)
    assert refreshed(civitai) == ["a", "b", "c"]
    assert await deadline(tools) < datetime.now(UTC) + AT_RISK, "it is not safe, and stays among the nearest"
